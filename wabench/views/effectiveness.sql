select *
from fct_segment_effectiveness
order by
    case method when 'none' then 0 when 'frequency' then 1 when 'order_value' then 2 when 'engagement' then 3 else 4 end,
    conversion_rate desc nulls last,
    tag
