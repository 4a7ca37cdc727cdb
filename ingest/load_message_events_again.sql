-- Of an event received twice the first arrival stands, whichever is loaded first. Its word for the send, which not
-- every way of telling it carries, is taken from whichever has it: the least, so that no order of loading shows. What
-- changed is new to who reads on from the last load.
update raw.message_events
set
    callback_data = least(message_events.callback_data, incoming.callback_data),
    load_id = $load_id
from incoming
where message_events.event_id = incoming.event_id
    and incoming.callback_data is not null
    and least(message_events.callback_data, incoming.callback_data) is distinct from message_events.callback_data;

update raw.message_events
set
    received_at = incoming.received_at,
    landing_ref = incoming.landing_ref,
    channel_id = incoming.channel_id,
    message_id = incoming.message_id,
    direction = incoming.direction,
    event_type = incoming.event_type,
    occurred_at = incoming.occurred_at,
    phone = incoming.phone,
    user_id = incoming.user_id,
    profile_name = incoming.profile_name,
    username = incoming.username,
    content_type = incoming.content_type,
    body_text = incoming.body_text,
    template_name = incoming.template_name,
    template_language = incoming.template_language,
    template_id = incoming.template_id,
    category = incoming.category,
    pricing_type = incoming.pricing_type,
    price = incoming.price,
    currency = incoming.currency,
    error_code = incoming.error_code,
    error_family = incoming.error_family,
    reply_to_message_id = incoming.reply_to_message_id,
    ad_click_id = incoming.ad_click_id,
    load_id = $load_id
from incoming
where message_events.event_id = incoming.event_id
    and (message_events.received_at, message_events.landing_ref) > (incoming.received_at, incoming.landing_ref)
