select
    kind,
    provider,
    plan,
    category,
    channel,
    month,
    used,
    allowed,
    share_used,
    told_at
from fct_limits
order by share_used desc nulls last, limit_id
