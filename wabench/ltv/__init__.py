"""Lifetime value: what customers will order and spend, and how sure that is.

Pure: arrays in, values out; no I/O, no clock, no chance. All times are days, all money is in one currency. A customer
who has never paid has no row here. Usual way: `estimate(counts, spent, daily_orders, horizon, past)`, which fits,
back-tests, calibrates and forecasts; the parts can be called by themselves.
"""

from wabench.ltv.ahead import expected_orders, expected_orders_of_new
from wabench.ltv.backtests import (
    Backtest,
    Cut,
    Decile,
    Estimate,
    backtest,
    choose,
    estimate,
    gini,
    measure,
)
from wabench.ltv.calibration import calibrate, season_index
from wabench.ltv.counts import Counts, Spent
from wabench.ltv.forecasts import (
    DAYS_PER_MONTH,
    Calibration,
    Choice,
    Forecast,
    Horizon,
    Model,
    Total,
    expected_value,
    fit,
    forecast,
    total,
)
from wabench.ltv.orders import (
    MINIMUM_CUSTOMERS,
    MINIMUM_REPEATERS,
    Basis,
    OrdersFit,
    Process,
    churn_risk,
    expected_next_order,
    fit_orders,
    p_alive,
)
from wabench.ltv.spend import (
    MINIMUM_SPENDERS,
    SpendFit,
    Variant,
    expected_spend,
    fit_spend,
    fit_spending,
    spending,
)

__all__ = [
    "DAYS_PER_MONTH",
    "MINIMUM_CUSTOMERS",
    "MINIMUM_REPEATERS",
    "MINIMUM_SPENDERS",
    "Backtest",
    "Basis",
    "Calibration",
    "Choice",
    "Counts",
    "Cut",
    "Decile",
    "Estimate",
    "Forecast",
    "Horizon",
    "Model",
    "OrdersFit",
    "Process",
    "SpendFit",
    "Spent",
    "Total",
    "Variant",
    "backtest",
    "calibrate",
    "choose",
    "churn_risk",
    "estimate",
    "expected_next_order",
    "expected_orders",
    "expected_orders_of_new",
    "expected_spend",
    "expected_value",
    "fit",
    "fit_orders",
    "fit_spend",
    "fit_spending",
    "forecast",
    "gini",
    "measure",
    "p_alive",
    "season_index",
    "spending",
    "total",
]
