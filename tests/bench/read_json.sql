-- The reference: the same landing file through DuckDB's own reader, columns named, statuses and messages in one unnest.
create or replace table reference as
with changes as (
    select
        received_at::timestamp as received_at,
        unnest(flatten(list_transform(body.entry, lambda e: e.changes))) as change
    from read_json(
        $path,
        format = 'newline_delimited',
        maximum_object_size = 8388608,
        columns = {
            'received_at': 'VARCHAR',
            'body': 'STRUCT(entry STRUCT(changes STRUCT(field VARCHAR, value STRUCT(metadata STRUCT(phone_number_id VARCHAR), contacts STRUCT(wa_id VARCHAR, user_id VARCHAR, profile STRUCT(name VARCHAR))[], statuses STRUCT(id VARCHAR, status VARCHAR, timestamp VARCHAR, recipient_id VARCHAR, biz_opaque_callback_data VARCHAR, pricing STRUCT(type VARCHAR, category VARCHAR), errors STRUCT(code INTEGER)[])[], messages STRUCT("from" VARCHAR, id VARCHAR, timestamp VARCHAR, type VARCHAR, text STRUCT(body VARCHAR), context STRUCT(id VARCHAR))[]))[])[])'
        }
    )
),

items as (
    select
        received_at,
        change.value.metadata.phone_number_id as channel_id,
        change.value.contacts[1] as contact,
        unnest(
            list_concat(
                list_transform(
                    coalesce(change.value.statuses, []),
                    lambda s: {
                        'id': s.id, 'event_type': s.status, 'at': s.timestamp, 'phone': s.recipient_id, 'text': null::varchar,
                        'callback_data': s.biz_opaque_callback_data, 'category': s.pricing.category,
                        'pricing_type': s.pricing.type, 'error_code': s.errors[1].code
                    }
                ),
                list_transform(
                    coalesce(change.value.messages, []),
                    lambda m: {
                        'id': m.id, 'event_type': 'received', 'at': m.timestamp, 'phone': m."from", 'text': m.text.body,
                        'callback_data': null::varchar, 'category': null::varchar, 'pricing_type': null::varchar,
                        'error_code': null::integer
                    }
                )
            )
        ) as item
    from changes
)

select
    'meta:' || item.id || ':' || item.event_type as event_id,
    channel_id,
    item.id as message_id,
    item.event_type,
    make_timestamp(item.at::bigint * 1000000) as occurred_at,
    received_at,
    '+' || item.phone as phone,
    contact.user_id as user_id,
    contact.profile.name as profile_name,
    item.text as body_text,
    item.callback_data,
    item.category,
    item.pricing_type,
    item.error_code
from items
