-- Amounts in two currencies can't be summed to an order.
with

lines as (

    select * from {{ ref("stg_crm__order_lines") }}

),

final as (

    select order_key, min(currency) as currency, max(currency) as other_currency from lines
    group by order_key
    having min(currency) <> max(currency)

)

select * from final
