-- The best match first: the id or e-mail itself, then phones, then names.
with

matches as (

    select customer_id, 1 as rank
    from dim_customers
    where $text <> '' and (lower(customer_id) = $text or lower(email) = $text)

    union all

    select customer_id, 2 as rank
    from dim_identities
    where $digits <> '' and identity_type = 'phone' and ends_with(identity, $digits)

    union all

    select customer_id, 3 as rank
    from dim_customers
    where $digits <> '' and ends_with(phone, $digits)

    union all

    select customer_id, case when starts_with(lower(name), $text) then 4 else 5 end as rank
    from dim_customers
    where $text <> ''
        and $digits = ''
        and (
            contains(lower(name), $text)
            or contains(lower(username), $text)
            or (not $is_masked and contains(lower(email), $text))
        )

),

best as (

    select customer_id, min(rank) as rank
    from matches
    group by customer_id

)

select
    customers.customer_id,
    customers.name,
    case when $is_masked then '•••• ' || right(customers.phone, 4) else customers.phone end as phone,
    customers.country,
    customers.consent,
    customers.frequency_tag,
    customers.order_value_tag,
    customers.engagement_tag,
    customers.orders,
    cast(customers.net_revenue as decimal(18, 2)) as net_revenue,
    cast(customers.ltv_expected_12m as decimal(18, 2)) as ltv_expected_12m,
    customers.last_order_at,
    customers.last_interaction_at
from best
inner join dim_customers as customers on best.customer_id = customers.customer_id
order by best.rank, customers.net_revenue desc nulls last, customers.customer_id
limit $size
