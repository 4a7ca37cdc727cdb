-- Dialogs of a window by how long the first answer took, and how many of their customers ordered soon after they wrote.
-- `band` counts the edges the wait has reached, from 1; 0 was not answered. Of orders, only dialogs whose window is over.
with

dialogs as (

    select
        customer_id,
        started_at,
        coalesce(len(list_filter($edges, lambda edge: first_response_seconds >= edge)), 0) as band,
        started_at + to_days($days) <= $until as is_over
    from fct_dialogs
    where started_at >= $since and started_at < $until and not is_open

),

followed as (

    select
        dialogs.*,
        exists (
            select 1 from fct_orders as orders
            where
                orders.customer_id = dialogs.customer_id
                and orders.is_paid
                and orders.ordered_at >= dialogs.started_at
                and orders.ordered_at < dialogs.started_at + to_days($days)
        ) as has_ordered
    from dialogs

)

select
    band,
    count(*) as dialogs,
    count(*) filter (where is_over) as followed,
    count(*) filter (where is_over and has_ordered) as ordered
from followed
group by band
order by band
