{{ config(materialized="incremental", incremental_strategy="delete+insert", unique_key="order_key") }}

-- A source that gives only lines: a sum above nothing is a purchase, one below is a refund.

with

lines as (

    select * from {{ ref("stg_crm__order_lines") }}

),

{% if is_incremental() %}
touched as (

    select distinct order_key from lines
    where load_id > (select coalesce(max(load_id), 0) from {{ this }})

),
{% endif %}

summed as (

    select
        order_key,
        min(source) as source,
        min(order_id) as order_id,
        max(customer_ref) as customer_ref,
        min(ordered_at) as ordered_at,
        max(received_at) as updated_at,
        min(received_at) as first_received_at,
        sum(amount) as amount,
        max(currency) as currency,
        max(phone) as phone,
        max(email) as email,
        max(name) as name,
        bool_or(is_from_file) as is_from_file,
        max(load_id) as load_id
    from lines
    {% if is_incremental() %}
        where order_key in (select order_key from touched)
    {% endif %}
    group by order_key

),

final as (

    select
        order_key,
        source,
        order_id,
        customer_ref,
        ordered_at,
        updated_at,
        first_received_at,
        case when amount < 0 then 'refunded' when amount > 0 then 'paid' else 'unknown' end as status,
        {{ money("greatest(amount, 0)") }} as total,
        {{ money("greatest(-amount, 0)") }} as refunded,
        cast(null as decimal(18, 4)) as margin,
        currency,
        phone,
        email,
        name,
        is_from_file,
        load_id
    from summed

)

select * from final
