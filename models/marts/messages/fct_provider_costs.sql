-- The whole month's traffic on each plan: what the plan takes, and Meta's fees where they come on top.

with

plans as (

    select * from {{ ref("int_plans_costed_to_months") }}

),

messages as (

    select * from {{ ref("int_messages_summed_to_months") }}

),

months as (

    select
        messages.price_month,
        sum(messages.messages) as messages,
        sum(messages.messages_free_of_meta) as messages_free_of_meta,
        sum(messages.messages_without_meta_fee) as messages_without_meta_fee,
        sum(messages.messages_without_cost) as messages_without_cost,
        sum(messages.meta_fees) as meta_fees,
        sum(messages.cost) + sum(case when messages.messages > 0 then coalesce(plans.monthly_fee, 0) else 0 end)
            as charged
    from messages
    left join plans
        on messages.provider = plans.provider
        and messages.price_month = plans.price_month
        and plans.is_in_use
    group by messages.price_month

),

compared as (

    select
        plans.*,
        coalesce(months.messages, 0) as messages,
        coalesce(case when plans.is_in_use then messages.messages end, 0) as messages_on_plan,
        coalesce(case when plans.is_meta then months.messages_free_of_meta else plans.free_messages end, 0)
            as messages_free,
        coalesce(case when plans.meta_fees = 'added' then months.meta_fees end, 0) as added_fees,
        case when plans.is_meta then 0 else coalesce(months.messages, 0) - plans.messages_priced end
        + coalesce(case when plans.meta_fees = 'added' then months.messages_without_meta_fee end, 0)
            as messages_without_price,
        coalesce(months.charged, 0) as charged,
        coalesce(months.messages_without_cost, 0) as messages_without_cost
    from plans
    left join months on plans.price_month = months.price_month
    left join messages on plans.price_month = messages.price_month and plans.provider = messages.provider

),

final as (

    select
        price_month as month,
        provider,
        plan,
        is_in_use,
        cast(messages as bigint) as messages,
        cast(messages_on_plan as bigint) as messages_on_plan,
        cast(messages_free as bigint) as free_messages,
        cast(messages - messages_free as bigint) as charged_messages,
        free_quota,
        case
            when messages_priced > 0 and messages_without_price = 0 then {{ unit_price(rate("list_cost", "messages_priced")) }}
            else list_price
        end as price_per_message,
        monthly_fee,
        {{ money("message_cost") }} as message_cost,
        monthly_fee + {{ money("message_cost") }} as own_cost,
        {{ money("added_fees") }} as meta_fees,
        cast(messages_without_price as bigint) as messages_without_price,
        case
            when messages_without_price = 0 then monthly_fee + {{ money("message_cost") }} + {{ money("added_fees") }}
        end as total_cost,
        {{ money("charged") }} as charged_cost,
        cast(messages_without_cost as bigint) as messages_without_cost,
        '{{ var("currency") }}' as currency,
        meta_fees = 'added' as is_meta_added,
        verification_days_min,
        verification_days_max
    from compared

)

select * from final
