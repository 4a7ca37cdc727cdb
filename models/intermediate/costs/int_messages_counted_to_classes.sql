-- Chargeable messages by all that can change their price.

with

messages as (

    select * from {{ ref("int_messages_classified") }}
    where is_chargeable

),

final as (

    select
        cast(date_trunc('month', price_date) as date) as price_month,
        price_date,
        provider,
        coalesce(channel_id, '') as channel_id,
        price_category,
        country,
        coalesce(pricing_type = 'free_entry_point', false) as is_free_entry_point,
        cast(count(*) as integer) as messages
    from messages
    group by 1, 2, 3, 4, 5, 6, 7

)

select * from final
