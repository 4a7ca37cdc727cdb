-- The other marts of the small published file, as far as readers look at them. As-of is 2026-11-22 18:00.
create or replace table meta_refreshes as
select
    run_id,
    started_at,
    started_at + interval 42 second as finished_at,
    timestamp '2026-11-22 18:00:00' as as_of,
    status,
    'publish' as step,
    run_id as version,
    2000::bigint as events,
    1840::bigint as orders,
    400::bigint as customers,
    61::bigint as tests_passed,
    case status when 'failed' then 1 else 0 end::bigint as tests_failed,
    error
from (
    values
    ('20261122T180000Z', timestamp '2026-11-22 18:00:05', 'published', null),
    ('20261122T060000Z', timestamp '2026-11-22 06:00:05', 'failed', 'nothing published: test not_null_x failed with 2 rows'),
    ('20261121T180000Z', timestamp '2026-11-21 18:00:05', 'published', null)
) as runs (run_id, started_at, status, error);

create or replace table meta_sources as
select * from (
    values
    ('meta', 5210::bigint, 0::bigint, timestamp '2026-11-22 17:58:40', timestamp '2026-11-22 17:58:41', null::timestamp, timestamp '2026-11-22 18:00:06'),
    ('магазин', 1840::bigint, 3::bigint, timestamp '2026-11-22 15:10:00', timestamp '2026-11-22 16:00:00', timestamp '2026-11-21 09:00:00', timestamp '2026-11-22 18:00:06')
) as sources (source, rows, rejected, newest_at, last_received_at, last_rejected_at, last_loaded_at);

create or replace table fct_alerts as
select * from (
    values
    ('high_failure_rate:c2', 'high_failure_rate', 'critical', 'c2', 'Зимняя *акция*', 0.21, 0.15, 100::bigint, timestamp '2026-11-22 18:00:00'),
    ('rejected_rows:магазин', 'rejected_rows', 'warning', 'магазин', 'магазин', 3.0, 0.0, 1::bigint, timestamp '2026-11-22 18:00:00')
) as alerts (alert_id, alert, severity, subject, subject_name, value, threshold, denominator, raised_at);

create or replace table fct_messages as
select
    'm' || i as message_key,
    case when i % 9 = 0 then 'in' else 'out' end as direction,
    'c' || lpad((i % 120)::text, 4, '0') as customer_id,
    case when i % 9 = 0 then null else begun_at end as accepted_at,
    null::timestamp as sent_at,
    case when i % 9 = 0 then begun_at end as received_at,
    null::timestamp as reacted_at,
    case when i % 9 > 0 and i % 10 < 9 then begun_at + interval 1 minute end as delivered_at,
    case when i % 9 > 0 and i % 10 < 5 then begun_at + interval 9 minute end as read_at,
    case when i % 9 > 0 and i % 10 = 9 then begun_at + interval 2 second end as failed_at,
    case when i % 9 > 0 and i % 40 = 1 then begun_at + interval 10 minute end as clicked_at,
    i % 9 > 0 and i % 10 = 0 as is_replied,
    case
        when i % 9 = 0 then 'received' when i % 10 = 9 then 'failed' when i % 10 < 5 then 'read' else 'delivered'
    end as status,
    'text' as content_type,
    'text' as content_kind,
    case i % 18
        when 0 then 'Здравствуйте! Мой номер +7 (912) 345-67-89, почта anna@example.com'
        when 9 then 'Спасибо *большое*'
    end as body_text,
    case when i % 9 > 0 and i % 10 = 9 then ['131026', '131049'][1 + i % 3 // 2] end as error_code,
    case when i % 9 > 0 and i % 10 = 9 then 'never' end as error_family,
    case when i % 9 > 0 and i % 10 = 0 then begun_at + interval 30 minute end as replied_at,
    case when i % 9 > 0 and i % 10 = 0 then 60 * (i % 50) end::bigint as reply_seconds,
    case when i % 9 > 0 and i % 10 < 9 and i % 14 = 0 then begun_at + interval 2 day end as converted_at,
    case when i % 9 > 0 and i % 4 < 3 then 20 + i % 300 end::bigint as text_length,
    case when i % 9 > 0 and i % 4 < 3 then i % 2 = 0 end as is_personalised,
    case when i % 9 > 0 and i % 4 < 3 then i % 5 = 0 end as has_call_to_action,
    case when i % 9 > 0 then ['autumn', 'winter', null][1 + i % 3] end as template_name,
    case when i % 9 > 0 then ['marketing', 'utility'][1 + i % 2] end as category,
    ['meta', 'twilio'][1 + i % 7 // 4] as provider,
    case when i % 97 > 0 then 0.06 end::decimal(18, 4) as cost,
    '106540352242922' as channel_id,
    'm' || i as message_id,
    null::text as campaign_id,
    null::text as variant,
    'USD' as currency
from (
    select i, timestamp '2026-11-22 17:00:00' - to_hours(i) as begun_at from range(1, 2001) as numbers (i)
) as begun;

-- 9 dialogs are open, 7 of them for over 2 hours; of the others every fifth lapsed.
create or replace table fct_dialogs as
with

begun as (

    select
        i,
        'c' || lpad(i::text, 4, '0') as customer_id,
        timestamp '2026-11-22 18:00:00' - to_minutes(20 * i * i) as started_at,
        i <= 2 or (i % 3 = 0 and i <= 21) as is_open,
        case when i % 5 > 0 then 120 + 360 * (i % 7) * (i % 7) * (i % 7) end as answered_after
    from range(1, 120) as numbers (i)

)

select
    'd' || begun.i as dialog_id,
    begun.customer_id,
    'meta' as provider,
    '106540352242922' as channel_id,
    begun.started_at,
    begun.started_at as last_inbound_at,
    1::bigint as inbound_messages,
    case when not begun.is_open then begun.started_at + to_seconds(begun.answered_after) end as answered_at,
    null::text as answer_message_key,
    case when not begun.is_open and begun.answered_after is not null then ['person', 'unknown'][1 + begun.i % 2] end as answered_by,
    case when not begun.is_open then begun.answered_after end::bigint as first_response_seconds,
    coalesce(
        case when not begun.is_open then begun.answered_after end, epoch(timestamp '2026-11-22 18:00:00' - begun.started_at)
    )::bigint as seconds_waited,
    case when begun.is_open then 'open' when begun.answered_after is null then 'lapsed' else 'answered' end as status,
    begun.is_open,
    seconds_waited > 7200 as is_overdue,
    case customers.order_value_tag when 'high' then 1 when 'medium' then 2 when 'low' then 3 else 4 end as priority
from begun
left join dim_customers as customers on begun.customer_id = customers.customer_id;

create or replace table fct_orders as
select
    'o' || i as order_key,
    '10' || i as order_id,
    'paid' as status,
    'c' || lpad((i % 120)::text, 4, '0') as customer_id,
    timestamp '2026-11-22 12:00:00' - to_hours(i * 5) as ordered_at,
    i % 11 > 0 as is_paid,
    ['магазин', 'shopify'][1 + i % 4 // 3] as source,
    (40 + 37 * i % 190)::decimal(18, 4) as net,
    (10 + 9 * i % 60)::decimal(18, 4) as margin,
    'USD' as currency,
    case when i % 3 = 0 then 'm' || i end as attributed_message_key,
    case when i % 6 = 0 then 'c1' end as attributed_campaign_id
from range(1, 1841) as numbers (i);

create or replace table dim_campaigns as
select *, 'meta' as provider, 'marketing' as category from (
    values
    ('c1', 'Осень: возвращение', 'cold_90d', 'autumn', 'finished', timestamp '2026-10-01 09:00:00', timestamp '2026-10-01 10:00:00', timestamp '2026-10-02 09:00:00'),
    ('c2', 'Зимняя *акция*', 'frequent_buyers', 'winter', 'paused', timestamp '2026-11-20 09:00:00', timestamp '2026-11-20 10:00:00', timestamp '2026-11-20 12:00:00'),
    ('c3', 'newcomers_week', 'new_customers', 'welcome', 'planned', timestamp '2026-11-22 09:00:00', timestamp '2026-11-22 09:00:00', null)
) as campaigns (campaign_id, name, segment, template_name, status, created_at, planned_at, started_at);

create or replace table dim_identities as
select
    phone as identity,
    'phone' as identity_type,
    customer_id,
    first_seen_at as since,
    'order' as evidence
from dim_customers
where phone is not null
union all
select 'crm:' || customer_id, 'customer_ref', customer_id, first_seen_at, 'order'
from dim_customers;

create or replace table fct_campaigns as
select
    *,
    0::bigint as holdout,
    0::bigint as opted_out,
    converted as attributed_orders,
    null::text as template_name,
    null::double as roi,
    null::double as incremental_orders,
    null::double as incremental_orders_low,
    null::double as incremental_orders_high
from (
    values
    ('c1', '', 900::bigint, 60::bigint, 840::bigint, 812::bigint, 466::bigint, 812::bigint, 71::bigint, 38::bigint, 0::bigint, 50.4::decimal(18, 4), 3120.5::decimal(18, 4), 'USD'),
    ('c2', '', 130::bigint, 30::bigint, 100::bigint, 79::bigint, 40::bigint, 79::bigint, 5::bigint, 2::bigint, 0::bigint, 6.0::decimal(18, 4), 180::decimal(18, 4), 'USD'),
    ('c3', '', 55::bigint, 5::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, 0::bigint, null::decimal(18, 4), null::decimal(18, 4), 'USD')
) as totals (campaign_id, variant, planned, suppressed, accepted, delivered, read, customers_delivered, replied, converted, messages_without_cost, cost, attributed_net_revenue, currency);

create or replace table fct_sends as
select
    's' || i as send_id,
    'c' || (1 + i % 2) as campaign_id,
    ['Осень: возвращение', 'Зимняя *акция*'][1 + i % 2] as campaign_name,
    '' as variant,
    'c' || lpad((i // 2 % 120)::text, 4, '0') as customer_id,
    case i % 5 when 0 then 'holdout' when 1 then 'suppressed' else 'accepted' end as state,
    case i % 5 when 1 then 'no_consent' end as reason,
    begun_at as made_at,
    case when i % 5 > 2 then begun_at + interval 1 minute end as delivered_at,
    case when i % 10 > 7 then begun_at + interval 5 minute end as read_at,
    case when i % 5 = 2 then begun_at + interval 2 second end as failed_at,
    case when i % 20 > 17 then begun_at + interval 1 hour end as replied_at,
    case when i % 20 = 13 then begun_at + interval 2 day end as converted_at,
    case when i % 30 = 23 then begun_at + interval 3 hour end as opted_out_at
from (
    select i, timestamp '2026-11-21 10:00:00' - to_hours(i % 2 * 1200 + i // 2) as begun_at
    from range(0, 180) as numbers (i)
) as begun;

create or replace table snap_customer_tags as
select
    customer_id,
    consent,
    frequency_tag,
    order_value_tag,
    coalesce(was, engagement_tag) as engagement_tag,
    rfm_group,
    ltv_band,
    valid_from as as_of,
    valid_from as dbt_valid_from,
    valid_to as dbt_valid_to
from dim_customers
cross join (
    values
    (timestamp '2026-11-10 18:00:00', timestamp '2026-11-18 18:00:00', 'cold', true),
    (timestamp '2026-11-18 18:00:00', null, null, true),
    (timestamp '2026-11-10 18:00:00', null, null, false)
) as validities (valid_from, valid_to, was, has_changed)
where (bucket % 3 = 0) = has_changed;

create or replace table dim_prices as
select provider, plan, true as is_in_use, country, own_price::decimal(18, 9) as own_price, 0.06::decimal(18, 9) as meta_price, 'USD' as currency
from (values ('meta', 'direct', 0.0), ('twilio', 'pay as you go', 0.005)) as plans (provider, plan, own_price)
cross join (values ('RU'), ('BR'), ('NO'), (null)) as countries (country);

create or replace table fct_segment_effectiveness as
select *, 'USD' as currency, 0::bigint as messages_without_cost, 90.0::double as read_trials, 90.0::double as conversion_trials
from (
    values
    ('none', 'none', 400::bigint, 1200::bigint, 560::bigint, 60::bigint, 61::bigint, 72::decimal(18, 4), 0.467, 0.44, 0.5, 0.05, 0.04, 0.06, 0.0, 1.18, 0.0),
    ('frequency', 'monthly', 160::bigint, 400::bigint, 210::bigint, 44::bigint, 45::bigint, 24::decimal(18, 4), 0.525, 0.47, 0.57, 0.11, 0.08, 0.14, 1.2, 0.53, -0.55)
) as rows (method, tag, customers, messages, read, converted, orders, cost, read_rate, read_rate_low, read_rate_high, conversion_rate, conversion_rate_low, conversion_rate_high, conversion_lift, cost_per_order, cost_per_order_change);
