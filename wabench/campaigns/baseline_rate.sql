-- The share of some customers with a paid order in a window of so many days, on average of the windows up to as-of.
with

customers as (

    select unnest($customers::text[]) as customer_id

),

bought as (

    select distinct
        customer_id,
        floor((epoch(ordered_at) - epoch($since::timestamp)) / ($days * 86400)) as window_number
    from fct_orders
    where
        is_paid
        and ordered_at >= $since
        and ordered_at < $until
        and customer_id in (select customer_id from customers)

)

select (select count(*) from bought) / nullif($windows * count(*), 0)::double as rate from customers
