-- Orders in the project's currency with their customer. Net is what was kept: nothing of an order that was never paid.

with

orders as (

    select * from {{ ref("int_orders_identified") }}

),

rates as (

    select * from {{ ref("int_exchange_rates_spread_to_days") }}

),

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

keyed as (

    select
        *,
        cast(ordered_at as date) as rate_date,
        coalesce(ref_identity, phone_identity) as identity,
        status in ('paid', 'partially_refunded', 'refunded') as was_paid
    from orders

),

converted as (

    select
        keyed.*,
        identities.customer_id,
        {{ money("keyed.total * rates.rate") }} as converted_total,
        {{ money("keyed.refunded * rates.rate") }} as converted_refunded,
        {{ money("keyed.margin * rates.rate") }} as converted_margin
    from keyed
    left join rates on keyed.currency = rates.currency and keyed.rate_date = rates.rate_date
    left join identities on keyed.identity = identities.identity

),

final as (

    select
        order_key,
        source,
        order_id,
        customer_ref,
        customer_id,
        ordered_at,
        updated_at,
        status,
        is_deleted,
        was_paid and converted_total > 0 as is_paid,
        converted_total as total,
        converted_refunded as refunded,
        case when was_paid then converted_total - converted_refunded else 0 end as net,
        converted_margin as margin,
        '{{ var("currency") }}' as currency,
        currency as original_currency,
        total as original_total,
        phone,
        email,
        name
    from converted

)

select * from final
