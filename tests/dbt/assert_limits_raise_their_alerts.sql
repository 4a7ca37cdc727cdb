-- What the Costs page shows as nearly used is what an alert was raised for, and the other way round.

with

limits as (

    select * from {{ ref("fct_limits") }}

),

thresholds as (

    select * from {{ ref("alert_thresholds") }}

),

alerts as (

    select * from {{ ref("fct_alerts") }}

),

counted as (

    select
        thresholds.alert,
        count(limits.limit_id) as limits
    from thresholds
    left join limits
        on thresholds.alert = limits.kind || '_nearly_used'
        and limits.share_used > thresholds.threshold
    where thresholds.alert in ('quota_nearly_used', 'tier_nearly_used')
    group by thresholds.alert

),

raised as (

    select alert, count(*) as alerts from alerts
    group by alert

)

select counted.*, raised.alerts from counted
left join raised on counted.alert = raised.alert
where counted.limits <> coalesce(raised.alerts, 0)
