-- What customers have brought is what their orders come to, and the last month of fct_ltv_months says the same of them as
-- dim_customers: as many customers, as much brought, and as much expected.
with

customers as (

    select
        sum(ltv_historic) as ltv_historic,
        count(*) filter (where orders > 0) as customers,
        coalesce(sum(ltv_expected_12m), 0) as ltv_expected_12m,
        coalesce(sum(expected_orders_12m), 0) as expected_orders_12m
    from {{ ref("dim_customers") }}

),

orders as (

    select sum(net) as ltv_historic from {{ ref("fct_orders") }}
    where customer_id is not null and {{ in_window("ordered_at") }}

),

months as (

    select * from {{ ref("fct_ltv_months") }}

),

last_month as (

    select
        sum(ltv_historic) as ltv_historic,
        sum(customers) as customers,
        sum(ltv_expected_12m) as ltv_expected_12m,
        sum(expected_orders_12m) as expected_orders_12m
    from months
    where month = (select max(month) from months)

),

final as (

    select
        orders.ltv_historic as historic_of_orders,
        customers.*,
        last_month.ltv_historic as historic_of_months,
        last_month.customers as customers_of_months,
        last_month.ltv_expected_12m as expected_of_months,
        last_month.expected_orders_12m as expected_orders_of_months
    from customers
    cross join orders
    cross join last_month
    where
        coalesce(customers.ltv_historic, 0) <> coalesce(orders.ltv_historic, 0)
        or coalesce(customers.ltv_historic, 0) <> coalesce(last_month.ltv_historic, 0)
        or customers.customers <> coalesce(last_month.customers, 0)
        -- each customer's and each group's figure is rounded
        or abs(customers.ltv_expected_12m - coalesce(last_month.ltv_expected_12m, 0)) > 0.0001 * (customers.customers + 1)
        or abs(customers.expected_orders_12m - coalesce(last_month.expected_orders_12m, 0))
        > 1e-8 * (customers.customers + 1)

)

select * from final
