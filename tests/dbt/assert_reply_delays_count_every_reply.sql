-- Every message that was replied to is in one band, and every reply once.
with

delays as (

    select sum(replied) as replied, sum(replies) as replies, max(delivered) as delivered from {{ ref("fct_reply_delays") }}

),

messages as (

    select * from {{ ref("fct_messages") }}
    where direction = 'out'

),

expected as (

    select count(replied_at) as replied, count(delivered_at) as delivered from messages

),

replies as (

    select distinct customer_id, replied_at from messages
    where replied_at is not null

),

expected_replies as (

    select count(*) as replies from replies

),

final as (

    select
        delays.replied as counted,
        expected.replied as expected,
        delays.replies as counted_replies,
        expected_replies.replies as expected_replies
    from delays
    cross join expected
    cross join expected_replies
    where
        delays.replied <> expected.replied
        or delays.delivered <> expected.delivered
        or delays.replies <> expected_replies.replies

)

select * from final
