-- What came back of some sends, a row each: whether its end is known, and when its customer first did what is looked for.
-- Moments are those at which we learnt of it: what is decided at a moment stands on nothing that came in later.
with

people as (

    select
        unnest($send_ids::text[]) as send_id,
        unnest($phones::text[]) as phone,
        unnest($user_ids::text[]) as user_id,
        unnest($message_ids::text[]) as message_id,
        unnest($claimed_ats::timestamp[]) as claimed_at

),

told as (

    select * from raw.message_events
    where received_at >= $since

),

followed as (

    select people.send_id, told.* from people
    inner join told on 'wb:' || people.send_id = told.callback_data
    union all
    select people.send_id, told.* from people
    inner join told on people.message_id = told.message_id and told.provider = $provider and told.direction = 'out'

),

statuses as (

    select
        send_id,
        bool_or(event_type in ('delivered', 'read')) as is_delivered,
        bool_or(event_type = 'failed') as is_failed,
        list(distinct error_code) filter (where event_type = 'failed') as error_codes,
        min(received_at) filter (where event_type = 'read') as read_at,
        min(received_at) filter (where event_type = 'clicked') as clicked_at
    from followed
    group by send_id

),

written as (

    select people.send_id, people.claimed_at, people.message_id as asked, told.* from people
    inner join told on people.phone = told.phone
    union all
    select people.send_id, people.claimed_at, people.message_id as asked, told.* from people
    inner join told on people.user_id = told.user_id

),

-- Providers tell times in whole seconds, so an answer may seem to come just before what it answers.
answers as (

    select * from written
    where
        event_type = 'received'
        and provider = $provider
        and coalesce(occurred_at, received_at) >= claimed_at - interval 1 second
        and coalesce(occurred_at, received_at) < claimed_at + interval 24 hour

),

replies as (

    select
        send_id,
        min(received_at) as replied_at,
        min(received_at) filter (where content_type = 'button' and reply_to_message_id = asked) as pressed_at
    from answers
    group by send_id

),

final as (

    select
        people.send_id,
        coalesce(statuses.is_delivered, false) as is_delivered,
        coalesce(statuses.is_failed and not statuses.is_delivered, false) as is_failed,
        coalesce(statuses.error_codes, []) as error_codes,
        statuses.read_at,
        coalesce(least(statuses.clicked_at, replies.pressed_at), statuses.clicked_at, replies.pressed_at) as clicked_at,
        replies.replied_at
    from people
    left join statuses on people.send_id = statuses.send_id
    left join replies on people.send_id = replies.send_id

)

select * from final
