-- The marts that pages read, derived from the facts of the small published file where the models derive them from facts.
create or replace table fct_engagement_hours as
with localised as (
    select
        timezone(customers.local_timezone, timezone('UTC', coalesce(messages.delivered_at, messages.received_at))) as at_,
        messages.*
    from fct_messages as messages
    inner join dim_customers as customers on messages.customer_id = customers.customer_id
    where messages.delivered_at is not null or messages.received_at is not null
),
counted as (
    select
        weekdays.weekday::integer as weekday,
        hours.hour::integer as hour,
        count(*) filter (where localised.direction = 'out') as delivered,
        count(localised.read_at) as read,
        count(localised.replied_at) as replied,
        count(*) filter (where localised.direction = 'in') as inbound_messages
    from range(1, 8) as weekdays (weekday)
    cross join range(24) as hours (hour)
    left join localised on isodow(localised.at_) = weekdays.weekday and hour(localised.at_) = hours.hour
    group by 1, 2
)
select
    *,
    read / nullif(delivered, 0)::double as read_rate,
    read / nullif(delivered, 0)::double as read_rate_low,
    read / nullif(delivered, 0)::double as read_rate_high,
    replied / nullif(delivered, 0)::double as reply_rate,
    replied / nullif(delivered, 0)::double as reply_rate_low,
    replied / nullif(delivered, 0)::double as reply_rate_high
from counted;

create or replace table fct_reply_delays as
with bands as (
    select * from (
        values
        ('under 1 minute', 'within 3 minutes', 0::bigint, 1::bigint),
        ('1-3 minutes', 'within 3 minutes', 1, 3),
        ('3-10 minutes', '3 to 30 minutes', 3, 10),
        ('10-30 minutes', '3 to 30 minutes', 10, 30),
        ('30-60 minutes', 'over 30 minutes', 30, 60),
        ('over 12 hours', 'over 30 minutes', 720, null)
    ) as bands (delay_band, stage, from_minutes, to_minutes)
),
counted as (
    select bands.*, count(messages.message_key) as replied
    from bands
    left join fct_messages as messages
        on messages.is_replied
        and messages.reply_seconds >= 60 * bands.from_minutes
        and (bands.to_minutes is null or messages.reply_seconds < 60 * bands.to_minutes)
    group by all
)
select
    *,
    replied as replies,
    sum(replied) over ()::bigint as all_replied,
    sum(replied) over ()::bigint as all_replies,
    (select count(delivered_at) from fct_messages) as delivered,
    replied / sum(replied) over ()::double as share_of_replied,
    replied / sum(replied) over ()::double as share_of_replied_low,
    replied / sum(replied) over ()::double as share_of_replied_high,
    sum(replied) over (order by from_minutes) / (select count(delivered_at) from fct_messages)::double as reply_rate_until
from counted;

create or replace table fct_content_effectiveness as
select
    case
        when text_length is null then 'unknown' when text_length < 31 then '20-30' when text_length < 61 then '31-60'
        when text_length < 161 then '61-160' when text_length < 301 then '161-300' else 'over 300'
    end as length_band,
    is_personalised,
    content_kind,
    has_call_to_action,
    coalesce(category, 'unknown') as category,
    count(*) as messages,
    count(delivered_at) as delivered,
    count(read_at) as read,
    count(replied_at) as replied,
    count(converted_at) as converted
from fct_messages
where direction = 'out'
group by all;

create or replace table fct_ltv_fits as
select
    quarters_ago::integer as quarters_ago,
    ends_on,
    'model' as ltv_basis,
    'mbg_nbd' as process,
    true as has_dropout,
    12::integer as months,
    0.1::double as discount_rate,
    320::bigint as customers,
    240::bigint as repeaters,
    90::decimal(18, 4) as mean_spend,
    1.0::double as season,
    0.95::double as value_level,
    value_sd,
    case when expected_value is not null then 91 end::integer as backtest_days,
    expected_value::decimal(18, 4) as expected_value,
    (expected_value * 0.8)::decimal(18, 4) as expected_value_low,
    (expected_value * 1.2)::decimal(18, 4) as expected_value_high,
    actual_value::decimal(18, 4) as actual_value,
    actual_value between expected_value * 0.8 and expected_value * 1.2 as is_in_range,
    (expected_value - actual_value) / actual_value::double as bias,
    naive_bias::double as naive_bias,
    60::decimal(18, 4) as mae,
    75::decimal(18, 4) as naive_mae,
    0.38::double as capture,
    0.12::double as decile_error,
    'USD' as currency
from (
    values
    (0, date '2026-11-22', 0.1::double, null, null, null),
    (1, date '2026-08-23', 0.2, 11000, 10000, 0.3),
    (2, date '2026-05-24', 0.25, 6500, 10000, -0.1)
) as fits (quarters_ago, ends_on, value_sd, expected_value, actual_value, naive_bias);

create or replace table fct_ltv_backtest as
select
    1::integer as quarters_ago,
    date '2026-08-23' as ends_on,
    decile::integer as decile,
    32::bigint as customers,
    (2000 - 180 * decile)::decimal(18, 4) as expected_value,
    (1900 - 165 * decile)::decimal(18, 4) as actual_value,
    ((2000 - 180 * decile) / (1900 - 165 * decile)::double - 1) as error,
    'USD' as currency
from range(1, 11) as deciles (decile);

create or replace table fct_ltv_cohorts as
with bought as (
    select
        orders.customer_id,
        orders.net,
        date_trunc('month', orders.ordered_at)::date as month,
        min(date_trunc('month', orders.ordered_at)::date) over (partition by orders.customer_id) as cohort
    from fct_orders as orders
    where orders.is_paid
),
cohorts as (
    select cohort, count(distinct customer_id) as customers from bought
    group by cohort
),
counted as (
    select
        cohorts.cohort,
        bought.month,
        date_diff('month', cohorts.cohort, bought.month) as months_since,
        cohorts.customers,
        count(distinct bought.customer_id) as buyers,
        count(*) as orders,
        sum(bought.net)::decimal(18, 4) as net_revenue
    from cohorts
    inner join bought on cohorts.cohort = bought.cohort
    group by all
)
select
    *,
    buyers / customers::double as retained_share,
    (sum(net_revenue) over (partition by cohort order by month) / customers)::decimal(18, 4) as net_revenue_per_customer,
    'USD' as currency
from counted;

create or replace table fct_ltv_months as
select
    month,
    channel,
    month < date '2026-11-01' as is_complete,
    customers::bigint as customers,
    (customers - 100)::bigint as customers_change,
    120::bigint as orders,
    9000::decimal(18, 4) as net_revenue,
    (customers // 2)::bigint as repeat_customers,
    (customers // 2) / customers::double as repeat_share,
    80::decimal(18, 4) as ltv_historic_average,
    0.02::double as ltv_historic_change,
    150::decimal(18, 4) as ltv_expected_12m_average,
    -0.01::double as ltv_expected_12m_change,
    'USD' as currency
from (
    values (date '2026-10-01', 110), (date '2026-11-01', 120)
) as months (month, customers), (values ('whatsapp'), ('other')) as channels (channel);

create or replace table fct_campaign_months as
select
    *,
    'USD' as currency,
    case when messages_without_cost = 0 then attributed_net_revenue::double / cost::double end as revenue_per_1_spent
from (
    values
    ('c1', '', date '2026-10-01', 840::bigint, 812::bigint, 38::bigint, 50.4::decimal(18, 4), 0::bigint, 38::decimal(18, 4), 3120.5::decimal(18, 4)),
    ('c2', '', date '2026-11-01', 100::bigint, 79::bigint, 2::bigint, 6::decimal(18, 4), 3::bigint, 2::decimal(18, 4), 180::decimal(18, 4))
) as months (campaign_id, variant, month, accepted, delivered, converted, cost, messages_without_cost, attributed_orders, attributed_net_revenue);

create or replace table fct_provider_costs as
select
    month,
    provider,
    plan,
    true as is_in_use,
    messages::bigint as messages,
    case provider when 'meta' then messages else 0 end::bigint as messages_on_plan,
    least(messages, free_quota)::bigint as free_messages,
    greatest(messages - free_quota, 0)::bigint as charged_messages,
    free_quota::bigint as free_quota,
    price::decimal(18, 9) as price_per_message,
    fee::decimal(18, 4) as monthly_fee,
    (price * greatest(messages - free_quota, 0))::decimal(18, 4) as message_cost,
    (fee + price * greatest(messages - free_quota, 0))::decimal(18, 4) as own_cost,
    (0.06 * messages)::decimal(18, 4) as meta_fees,
    0::bigint as messages_without_price,
    (fee + price * greatest(messages - free_quota, 0) + 0.06 * messages)::decimal(18, 4) as total_cost,
    (0.06 * messages)::decimal(18, 4) as charged_cost,
    4::bigint as messages_without_cost,
    'USD' as currency,
    true as is_meta_added,
    days::integer as verification_days_min,
    (days + 2)::integer as verification_days_max
from (
    values ('meta', 'direct', 0, 0, 0, null), ('twilio', 'pay as you go', 0.005, 0, 0, 5),
    ('zenvia', 'monthly', 0.006, 500, 30, 2)
) as plans (provider, plan, price, free_quota, fee, days),
(values (date '2026-11-01', 470), (date '2026-10-01', 640)) as months (month, messages);

create or replace table fct_limits as
select
    kind || ':' || provider as limit_id,
    *,
    used / allowed::double as share_used
from (
    values
    ('quota', 'zenvia', 'monthly', null::text, null::text, date '2026-11-01', 450::bigint, 500::bigint, null),
    ('tier', 'meta', null, null, null, null, 700::bigint, 2000::bigint, timestamp '2026-11-20 09:00:00')
) as limits (kind, provider, plan, category, channel, month, used, allowed, told_at);

create or replace table meta_tests as
select * from (
    values
    ('20261122T060000Z', 'not_null_x', 'fct_messages', 'fail', 2::bigint, 0.2::double, 'Got 2 results'),
    ('20261122T180000Z', 'not_null_dim_customers_customer_id', 'dim_customers', 'pass', 0, 0.1, null),
    ('20261122T180000Z', 'unique_fct_orders_order_key', 'fct_orders', 'pass', 0, 0.1, null),
    ('20261122T180000Z', 'assert_overrides_name_known_identities', null, 'warn', 1, 0.1, 'Got 1 result')
) as tests (run_id, test, model, status, failures, seconds, message);
