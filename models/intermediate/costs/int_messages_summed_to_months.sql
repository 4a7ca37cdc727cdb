-- What the messages of a month, through each provider, did cost, and what Meta asks for them.

with

messages as (

    select * from {{ ref("int_messages_priced") }}

),

final as (

    select
        cast(date_trunc('month', price_date) as date) as price_month,
        provider,
        count(*) filter (where is_chargeable) as messages,
        count(*) filter (where is_chargeable and meta_fee = 0) as messages_free_of_meta,
        count(*) filter (where is_chargeable and meta_fee is null) as messages_without_meta_fee,
        count(*) filter (where cost is null) as messages_without_cost,
        coalesce(sum(meta_fee), 0) as meta_fees,
        coalesce(sum(cost), 0) as cost
    from messages
    group by 1, 2

)

select * from final
