with

fits as (

    select * from {{ ref("int_ltv_fitted") }}
    where decile is null or decile = 1

),

-- What all customers share of today's uncertainty, the parameters' included, comes with their forecast.
today as (

    select max(value_sd) as value_sd from {{ ref("int_customers_forecast") }}

),

final as (

    select
        fits.quarters_ago,
        ends_on,
        basis as ltv_basis,
        process,
        variant,
        has_dropout,
        months,
        discount_rate,
        customers,
        repeaters,
        r,
        r_se,
        alpha,
        alpha_se,
        a,
        a_se,
        b,
        b_se,
        rate,
        orders_log_likelihood,
        spenders,
        p,
        p_se,
        q,
        q_se,
        v,
        v_se,
        {{ money("mean_spend") }} as mean_spend,
        spend_log_likelihood,
        season,
        orders_level,
        value_level,
        case when fits.quarters_ago = 0 then today.value_sd else fits.value_sd end as value_sd,
        backtest_days,
        expected_orders,
        cast(actual_orders as bigint) as actual_orders,
        {{ money("expected_value") }} as expected_value,
        {{ money("expected_value_low") }} as expected_value_low,
        {{ money("expected_value_high") }} as expected_value_high,
        {{ money("plain_value") }} as plain_value,
        {{ money("actual_value") }} as actual_value,
        is_in_range,
        bias,
        naive_bias,
        {{ money("mae") }} as mae,
        {{ money("naive_mae") }} as naive_mae,
        gini,
        naive_gini,
        capture,
        decile_error,
        '{{ var("currency") }}' as currency
    from fits
    cross join today

)

select * from final
