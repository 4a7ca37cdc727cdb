-- Tenths of the customers by what a past fit expected of them, beside what they brought.
select
    decile,
    customers,
    expected_value,
    actual_value,
    error
from fct_ltv_backtest
where quarters_ago = $quarters_ago
order by decile
