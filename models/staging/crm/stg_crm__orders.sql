with

source as (

    select * from {{ source("crm", "orders") }}

),

final as (

    select
        source || ':' || order_id as order_key,
        source,
        order_id,
        customer_ref,
        ordered_at,
        updated_at,
        status,
        total,
        coalesce(refunded, 0) as refunded,
        margin,
        coalesce(currency, '{{ var("currency") }}') as currency,
        phone,
        email,
        name,
        coalesce(is_deleted, false) as is_deleted,
        received_at,
        first_received_at,
        coalesce(seen_at, received_at) as seen_at,
        landing_ref like '%/batch-%' as is_from_file,
        load_id
    from source

)

select * from final
