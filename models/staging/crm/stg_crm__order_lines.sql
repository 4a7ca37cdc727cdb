with

source as (

    select * from {{ source("crm", "order_lines") }}

),

final as (

    select
        source || ':' || order_id as order_key,
        source,
        order_id,
        line_number,
        sku,
        title,
        category,
        quantity,
        unit_price,
        quantity * unit_price as amount,
        customer_ref,
        ordered_at,
        coalesce(currency, '{{ var("currency") }}') as currency,
        phone,
        email,
        name,
        received_at,
        landing_ref like '%/batch-%' as is_from_file,
        load_id
    from source

)

select * from final
