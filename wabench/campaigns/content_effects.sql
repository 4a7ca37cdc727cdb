-- Of the shop's own promotions, by whether each follows a piece of advice: how many were delivered, and read or replied to.

with

sides as (

    select 'length' as rule, length_band = '20-30' as follows, delivered, read as reached from fct_content_effectiveness
    where category = 'marketing' and length_band <> 'unknown'
    union all
    select 'name_first', is_personalised, delivered, read from fct_content_effectiveness
    where category = 'marketing' and is_personalised is not null
    union all
    select 'call_to_action', has_call_to_action, delivered, replied from fct_content_effectiveness
    where category = 'marketing' and has_call_to_action is not null
    union all
    select 'file', content_kind <> 'document', delivered, read from fct_content_effectiveness
    where category = 'marketing' and content_kind is not null

)

select
    rule,
    coalesce(sum(delivered) filter (where follows), 0) as delivered,
    coalesce(sum(reached) filter (where follows), 0) as reached,
    coalesce(sum(delivered) filter (where not follows), 0) as other_delivered,
    coalesce(sum(reached) filter (where not follows), 0) as other_reached
from sides
group by rule
