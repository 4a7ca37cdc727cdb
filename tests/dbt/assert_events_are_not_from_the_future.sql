{{ config(severity="warn") }}

-- What happened later than it was received was stamped by a wrong clock. It stops nothing, but its day is not to be trusted.
with

events as (

    select * from {{ ref("stg_messaging__message_events") }}

),

final as (

    select provider, event_type, count(*) as events, max(occurred_at) as latest_at from events
    where occurred_at > received_at + interval '{{ var("clock_tolerance_minutes") }}' minute
    group by provider, event_type

)

select * from final
