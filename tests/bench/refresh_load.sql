-- One load ($load: 1 is nearly everything, 2 the new hundredth) of what refresh_raw.sql invents.
insert into raw.message_events by name from events_of(getvariable('load'));
insert into raw.orders by name from orders_of(getvariable('load'));
insert into raw.customers by name from customers_of(getvariable('load'));
insert into raw.sends by name from sends_of(getvariable('load'));

insert into raw.campaigns by name
select
    campaign_id, 'Campaign ' || k as name, 'everybody' as segment, provider, 'channel of ' || provider as channel_id,
    'offer_' || k as template_name, 'en' as language, 'marketing' as category, 'finished' as status,
    started_at - interval 1 day as created_at, started_at - interval 1 day as planned_at, started_at,
    started_at + interval 1 day as finished_at
from campaigns
where load_of(started_at) = getvariable('load');

insert into raw.loads
select getvariable('load'), 'meta/webhooks/bench-' || getvariable('load') || '.ndjson', 0, 1, count(*), 0, max(received_at)
from raw.message_events
where load_id = getvariable('load');

-- What was known before comes in a newer version: a refund of one order of 200, another name for one customer of 200.
update raw.orders
set status = 'refunded', refunded = total, updated_at = getvariable('cut'), received_at = getvariable('cut'), load_id = 2
where getvariable('load') = 2 and load_id = 1 and status = 'paid' and hash(order_id) % 200 = 0;
update raw.customers
set name = name || ' Jr.', updated_at = getvariable('cut'), received_at = getvariable('cut'), load_id = 2
where getvariable('load') = 2 and load_id = 1 and hash(customer_ref) % 200 = 0;
