-- The week has 168 hours, and each delivery and each inbound message is in one of them.
with

hours as (

    select
        count(*) as hours,
        sum(delivered) as delivered,
        sum(read) as read,
        sum(replied) as replied,
        sum(inbound_messages) as inbound_messages
    from {{ ref("fct_engagement_hours") }}

),

expected as (

    select
        count(case when direction = 'out' then delivered_at end) as delivered,
        count(case when direction = 'out' then read_at end) as read,
        count(case when direction = 'out' then replied_at end) as replied,
        count(case when direction = 'in' then received_at end) as inbound_messages
    from {{ ref("fct_messages") }}

),

final as (

    select hours.*, expected.delivered as expected_delivered, expected.inbound_messages as expected_inbound from hours
    cross join expected
    where
        hours.hours <> 168
        or hours.delivered <> expected.delivered
        or hours.read <> expected.read
        or hours.replied <> expected.replied
        or hours.inbound_messages <> expected.inbound_messages

)

select * from final
