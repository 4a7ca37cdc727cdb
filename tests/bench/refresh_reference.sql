-- The reference: by hand what a refresh makes of the raw tables, message, order, customer and campaign rows, with nothing
-- to keep between runs, no test, and every corner cut that these rows allow: one hop from any identity to the phone that
-- stands for the customer, no deletions, no overrides, list prices without quotas. Variable: as_of.
create table messages as
with
told as (
    select
        provider, message_id, max(phone) as phone, max(user_id) as user_id, max(substr(callback_data, 4)) as send_id,
        max(template_name) as template_name, max(category) as category, max(content_type) as content_type,
        max(body_text) as body_text, max(error_code) as error_code, max(channel_id) as channel_id,
        min(occurred_at) filter (event_type = 'accepted') as accepted_at,
        min(occurred_at) filter (event_type = 'sent') as sent_at,
        min(occurred_at) filter (event_type = 'delivered') as delivered_at,
        min(occurred_at) filter (event_type = 'read') as read_at,
        min(occurred_at) filter (event_type = 'failed') as failed_at,
        min(occurred_at) filter (event_type = 'received') as received_at
    from raw.message_events
    where message_id is not null
    group by provider, message_id
),

users as (
    select user_id, max(phone) as phone from raw.message_events
    where user_id is not null
    group by user_id
),

keyed as (
    select
        told.* replace (coalesce(told.phone, users.phone) as phone, least(delivered_at, read_at) as delivered_at),
        if(told.delivered_at is null, least(accepted_at, sent_at, read_at), delivered_at) as touched_at,
        coalesce(phone_key(coalesce(told.phone, users.phone)), user_id) as customer
    from told
    left join users using (user_id)
),

inbound as (
    select customer, received_at as next_at from keyed
    where received_at is not null
),

book as (
    select * from seeds.price_book
    where provider = 'meta' and valid_to is null and valid_from < '2026-01-01'
)

select
    keyed.*,
    sends.campaign_id,
    if(delivered_at is not null and next_at < touched_at + interval 24 hour, next_at, null) as replied_at,
    case when received_at is not null or delivered_at is null then 0 else coalesce(own.price, any_country.price, 0) end
    + case when delivered_at is null then 0 when keyed.provider = 'twilio' then 0.005 else 0 end as cost
from keyed
left join raw.sends on keyed.send_id = sends.send_id
asof left join inbound on keyed.customer = inbound.customer and keyed.touched_at <= inbound.next_at
left join (
    values ('+55', 'BR'), ('+52', 'MX'), ('+34', 'ES'), ('+1', 'US'), ('+91', 'IN')
) as codes(code, country) on starts_with(keyed.phone, code)
left join book as own on keyed.category = own.category and codes.country = own.country
left join book as any_country on keyed.category = any_country.category and any_country.country is null;

create table orders as
with
known as (
    select
        orders.*, phone_key(coalesce(customers.phone, orders.phone)) as customer,
        total * rates.value as value,
        (total - refunded) * rates.value as kept
    from raw.orders
    asof left join seeds.exchange_rates as rates
        on orders.currency = rates.currency and orders.ordered_at >= rates.valid_from
    left join raw.customers using (source, customer_ref)
),

touches as (
    select customer, touched_at, campaign_id from messages
    where campaign_id is not null and delivered_at is not null
)

select
    known.* exclude (value, kept),
    status in ('paid', 'refunded', 'partially_refunded') as is_paid,
    value,
    if(is_paid, kept, 0) as net,
    case when is_paid and ordered_at < touched_at + interval 5 day then touches.campaign_id end as campaign_id
from known
asof left join touches on known.customer = touches.customer and known.ordered_at >= touches.touched_at;

create table customers as
with
counted as (
    select
        customer,
        max(received_at) as last_inbound_at,
        max(greatest(received_at, read_at)) as last_interaction_at,
        max(coalesce(sent_at, accepted_at)) filter (category = 'marketing' and failed_at is null) as last_promotional_at,
        count(delivered_at) as received, count(read_at) as read, count(replied_at) as replied,
        count(*) filter (delivered_at >= getvariable('as_of') - interval 7 day) as received_7d,
        count(read_at) filter (delivered_at >= getvariable('as_of') - interval 7 day) as read_7d,
        count(replied_at) filter (delivered_at >= getvariable('as_of') - interval 7 day) as replied_7d,
        count(*) filter (delivered_at >= getvariable('as_of') - interval 30 day) as received_30d,
        count(read_at) filter (delivered_at >= getvariable('as_of') - interval 30 day) as read_30d,
        count(replied_at) filter (delivered_at >= getvariable('as_of') - interval 30 day) as replied_30d,
        count(*) filter (delivered_at >= getvariable('as_of') - interval 90 day) as received_90d,
        count(read_at) filter (delivered_at >= getvariable('as_of') - interval 90 day) as read_90d,
        count(replied_at) filter (delivered_at >= getvariable('as_of') - interval 90 day) as replied_90d
    from messages
    group by customer
),

bought as (
    select
        customer,
        min(ordered_at) filter (is_paid) as first_order_at,
        max(ordered_at) filter (is_paid) as last_order_at,
        count(*) filter (is_paid) as orders,
        sum(net) as net_revenue,
        count(*) filter (is_paid and ordered_at >= getvariable('as_of') - interval 30 day) as orders_30d,
        count(*) filter (is_paid and ordered_at >= getvariable('as_of') - interval 90 day) as orders_90d,
        count(*) filter (is_paid and ordered_at >= getvariable('as_of') - interval 365 day) as orders_365d,
        sum(net) filter (ordered_at >= getvariable('as_of') - interval 30 day) as net_revenue_30d,
        sum(net) filter (ordered_at >= getvariable('as_of') - interval 90 day) as net_revenue_90d,
        sum(net) filter (ordered_at >= getvariable('as_of') - interval 365 day) as net_revenue_365d
    from orders
    group by customer
),

recorded as (
    select phone_key(phone) as customer, any_value(name) as name, any_value(email) as email, any_value(country) as country,
        bool_and(consent) as consent
    from raw.customers
    group by all
),

stopped as (
    select phone_key(phone) as customer, max(occurred_at) as stopped_at from raw.message_events
    where event_type = 'opt_out'
    group by all
)

select
    *,
    case when orders_90d >= 3 then 'monthly' when orders_90d > 0 then 'quarterly' when orders > 0 then 'rare' else 'none' end
        as frequency_tag,
    case
        when net_revenue / nullif(orders, 0) < 50 then 'low' when net_revenue / nullif(orders, 0) <= 200 then 'medium'
        when orders > 0 then 'high' else 'none'
    end as order_value_tag,
    case
        when last_interaction_at >= getvariable('as_of') - interval 7 day then 'active_7d'
        when last_interaction_at >= getvariable('as_of') - interval 30 day then 'recent_30d'
        when last_interaction_at >= getvariable('as_of') - interval 90 day then 'inactive_90d' else 'cold'
    end as engagement_tag
from recorded
full join counted using (customer)
full join bought using (customer)
left join stopped using (customer);

create table campaigns as
select
    sends.campaign_id, count(*) as planned, count(*) filter (state = 'suppressed') as suppressed,
    count(delivered_at) as delivered, count(read_at) as read, count(replied_at) as replied, sum(cost) as cost,
    any_value(brought.orders) as orders, any_value(brought.net_revenue) as net_revenue
from raw.sends
left join messages on sends.send_id = messages.send_id
left join (
    select campaign_id, count(*) as orders, sum(net) as net_revenue from orders where campaign_id is not null
    group by campaign_id
) as brought on sends.campaign_id = brought.campaign_id
group by sends.campaign_id;
