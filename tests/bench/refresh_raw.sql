-- A shop's raw tables, invented by hash, so that every run has the same rows: a year of messages and three of orders, with
-- the last hundredth of the year apart. Variables: customers, began, cut (what is received from it on is new), ended.
set variable seconds = cast(epoch(getvariable('ended')) - epoch(getvariable('began')) as bigint);

-- A number of [0, 1) for a row and a purpose.
create or replace temp macro chance(row_number, purpose) as (hash(row_number, purpose) % 1000003) / 1000003.0;
create or replace temp macro within(start, days, row_number, purpose) as
    start + to_seconds(cast(floor(-ln(1 - chance(row_number, purpose)) * days * 86400) as bigint));
create or replace temp macro load_of(received_at) as if(received_at < getvariable('cut'), 1, 2);

create or replace temp table people as
select
    i,
    'k' || i as customer_ref,
    case when i % 10 < 6 then 'meta' when i % 10 < 8 then 'twilio' when i % 10 = 8 then 'messagebird' else 'zenvia' end
        as provider,
    ['BR', 'BR', 'BR', 'BR', 'BR', 'MX', 'MX', 'ES', 'US', 'IN'][i // 10 % 10 + 1] as country,
    case country
        when 'BR' then '+55119' || (60000000 + i)
        when 'MX' then '+5255' || (10000000 + i)
        when 'ES' then '+346' || (10000000 + i)
        when 'US' then '+1' || (2020000000 + i)
        else '+91' || (9000000000 + i)
    end as phone,
    -- WhatsApp still knows every other Brazilian without the ninth digit, and Mexicans with the 1 of old.
    case
        when country = 'BR' and i // 100 % 2 = 0 then '+5511' || (60000000 + i)
        when country = 'MX' then '+52155' || (10000000 + i)
        else phone
    end as whatsapp_phone,
    if(provider = 'meta' and chance(i, 'user_id') < 0.3, country || '.' || (700000000000 + i), null) as user_id,
    'Customer ' || i as name,
    getvariable('ended') - to_seconds(cast(sqrt(chance(i, 'joined')) * 1000 * 86400 as bigint)) as joined_at,
    exp(3.6 + 0.5 * sqrt(-2 * ln(1 - chance(i, 'spends'))) * cos(6.2832 * chance(i, 'spends more'))) as usual_total
from range(getvariable('customers')) as numbers(i);

create or replace temp table campaigns as
select
    k,
    'c' || k as campaign_id,
    case when k < 11 then 'meta' else 'twilio' end as provider,
    if(k < 11, cast(0.098 * getvariable('customers') as bigint), cast(0.02 * getvariable('customers') as bigint)) as size,
    if(
        k < 11,
        getvariable('began') + to_seconds(k * getvariable('seconds') // 11),
        getvariable('cut')
    ) as started_at
from range(1, 12) as numbers(k);

create or replace temp table sends as
select
    *,
    (n * 7919 + k * 104729) % getvariable('customers') as i,
    chance(n * 16 + k, 'state') as luck,
    k || '-' || n as send_id,
    started_at + to_seconds(n // 10) as begun_at
from campaigns, range(0, size) as numbers(n);

-- Everything the shop sent: campaigns, and single messages of which a tenth goes to one customer of a hundred.
create or replace temp table sent as
select
    -(n * 16 + k) - 1 as n, i, provider, begun_at, 'marketing' as category, 'offer_' || k as template_name, 'wb:' || send_id
        as callback_data
from sends
where luck < 0.94
union all
select n, i, people.provider, begun_at, category, template_name, null
from (
    select
        n,
        cast(floor(getvariable('customers') * pow(chance(n, 'who'), 2)) as bigint) as i,
        getvariable('began') + to_seconds(n * getvariable('seconds') // (5 * getvariable('customers'))) as begun_at,
        case when chance(n, 'kind') < 0.6 then 'utility' when chance(n, 'kind') < 0.75 then 'marketing' end as category,
        case when category is not null then category || '_' || n % 7 end as template_name
    from range(5 * getvariable('customers')) as numbers(n)
) as single
inner join people using (i);

create or replace temp macro message_id_of(provider, n) as case provider
    when 'meta' then 'wamid.HBgNNTUxMTk' || lpad(cast(abs(n) as varchar), 9, '0') || 'VAgARGBI' || upper(substr(md5(cast(n as varchar)), 1, 20))
    when 'twilio' then 'SM' || md5(cast(n as varchar))
    else cast(md5(cast(n as varchar)) as varchar)
end;

create or replace temp view told as
select
    n, i, provider, 'out' as direction, event_type, category, template_name, callback_data,
    case event_type
        when 'accepted' then begun_at
        when 'sent' then begun_at + interval 1 second
        when 'failed' then begun_at + interval 20 second
        when 'delivered' then within(begun_at + interval 3 second, 0.01, n, 'delivered')
        else within(begun_at + interval 3 second, 0.01, n, 'delivered') + to_seconds(1 + cast(-ln(1 - chance(n, 'read')) * 9000 as bigint))
    end as occurred_at
from sent, (values ('accepted'), ('sent'), ('delivered'), ('read'), ('failed')) as kinds(event_type)
where case event_type
    when 'accepted' then provider <> 'meta'
    when 'sent' then true
    when 'delivered' then chance(n, 'fate') < 0.94
    when 'read' then chance(n, 'fate') < 0.64
    else chance(n, 'fate') >= 0.97
end
union all
select n + 1e12::bigint, i, provider, 'in', 'received', null, null, null, within(begun_at + interval 60 second, 0.2, n, 'reply lag')
from sent
where chance(n, 'reply') < 0.17
union all
select
    n + 2e12::bigint, people.i, people.provider, 'in', 'received', null, null, null,
    getvariable('began') + to_seconds(n * getvariable('seconds') // getvariable('customers'))
from range(getvariable('customers')) as numbers(n)
inner join people on people.i = cast(floor(getvariable('customers') * pow(chance(n, 'writes'), 2)) as bigint)
union all
select null, i, provider, 'in', 'opt_out', null, null, null, getvariable('began') + to_seconds(cast(chance(i, 'stop') * 50 * getvariable('seconds') as bigint))
from people
where chance(i, 'stop') < 0.02;

-- One event of a hundred comes late, by up to a week and more.
create or replace temp view received as
select
    told.*,
    occurred_at + interval 2 second
    + to_seconds(if(chance(n, 'late ' || event_type) < 0.01, cast(chance(n, 'by') * 7 * 86400 as bigint), 0)) as received_at
from told;

create or replace temp macro events_of(load) as table
select
    coalesce(message_id_of(received.provider, n), received.i || ' stop') || ':' || event_type as event_id,
    received.provider,
    'channel of ' || received.provider as channel_id,
    message_id_of(received.provider, n) as message_id,
    direction,
    event_type,
    occurred_at,
    received_at,
    if(people.user_id is not null and chance(n, 'told') < 0.2, null, people.whatsapp_phone) as phone,
    people.user_id,
    if(direction = 'in', people.name, null) as profile_name,
    case when direction = 'in' then 'text' when category is null then 'text' end as content_type,
    if(event_type = 'received', 'Is number ' || n % 1000 || ' still there?', null) as body_text,
    template_name,
    category,
    if(event_type = 'failed', '131026', null) as error_code,
    if(event_type = 'failed', 'never', null) as error_family,
    callback_data,
    received.provider || '/webhooks/' || strftime(received_at, '%Y-%m-%d') || '/bench.ndjson:' || abs(coalesce(n, 0)) as landing_ref,
    load as load_id
from received
inner join people using (i)
where load_of(received_at) = load and received_at < getvariable('ended');

create or replace temp macro sends_of(load) as table
select
    campaign_id, 'c' || substr(md5('customer_ref:shop:' || people.customer_ref), 1, 16) as customer_id, send_id,
    people.whatsapp_phone as phone,
    case
        when luck < 0.93 then 'accepted' when luck < 0.94 then 'unknown' when luck < 0.95 then 'rejected'
        when luck < 0.99 then 'suppressed' else 'held'
    end as state,
    if(state = 'suppressed', 'opted out', null) as reason,
    if(state = 'accepted', message_id_of(sends.provider, -(n * 16 + k) - 1), null) as message_id,
    started_at - interval 1 day as planned_at, begun_at as claimed_at, begun_at + interval 1 second as outcome_at
from sends
inner join people using (i)
where load_of(started_at) = load;

-- How often somebody buys is a gamma-Poisson count (a geometric one, for its gamma has shape 1) over as long as they stay.
create or replace temp macro orders_of(load) as table
select
    'shop' as source,
    people.i || '-' || n as order_id,
    if(chance(people.i * 64 + n, 'guest') < 0.95, people.customer_ref, null) as customer_ref,
    joined_at + to_seconds(cast(
        least(-ln(1 - chance(people.i, 'stays')) * 400 * 86400, epoch(getvariable('ended')) - epoch(joined_at) - 1)
        * chance(people.i * 64 + n, 'ordered') as bigint
    )) as ordered_at,
    ordered_at as updated_at,
    case
        when chance(people.i * 64 + n, 'status') < 0.93 then 'paid'
        when chance(people.i * 64 + n, 'status') < 0.95 then 'partially_refunded'
        when chance(people.i * 64 + n, 'status') < 0.98 then 'cancelled' else 'pending'
    end as status,
    cast(usual_total * exp(0.4 * (chance(people.i * 64 + n, 'total') + chance(people.i * 64 + n, 'more') - 1)) as decimal(18, 2)) as total,
    if(status = 'partially_refunded', cast(total / 4 as decimal(18, 2)), 0) as refunded,
    if(country = 'ES', 'EUR', 'USD') as currency,
    phone,
    ordered_at + interval 1 minute as received_at,
    received_at as first_received_at,
    'shop/orders/bench.ndjson:' || n as landing_ref,
    load as load_id,
    received_at as seen_at
from people, range(0, cast(floor(ln(1 - chance(people.i, 'orders')) / ln(0.8)) as bigint)) as numbers(n)
where load_of(joined_at + to_seconds(cast(
    least(-ln(1 - chance(people.i, 'stays')) * 400 * 86400, epoch(getvariable('ended')) - epoch(joined_at) - 1)
    * chance(people.i * 64 + n, 'ordered') as bigint
)) + interval 1 minute) = load;

create or replace temp macro customers_of(load) as table
select
    'shop' as source, customer_ref, phone, customer_ref || '@example.com' as email, name, 'en' as locale,
    'America/Sao_Paulo' as timezone, country, if(chance(i, 'consent') < 0.7, true, null) as consent,
    joined_at as consent_at, joined_at as updated_at, joined_at as received_at, joined_at as first_received_at,
    'shop/customers/bench.ndjson:' || i as landing_ref, load as load_id, joined_at as seen_at
from people
where load_of(joined_at) = load;
