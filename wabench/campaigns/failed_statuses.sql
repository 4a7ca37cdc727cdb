-- What statuses say of sends that failed, by a status or at once ($refused): a delivery counts whenever it is told.
-- The later of a status's two times, so that neither a slow clock nor a late webhook shortens a wait.

with

told as (

    select
        callback_data,
        event_type,
        error_code,
        error_family,
        greatest(occurred_at, received_at) as told_at
    from raw.message_events
    where
        received_at >= $since
        and callback_data is not null
        and event_type in ('failed', 'delivered', 'read')

),

failed as (

    select callback_data from told
    where event_type = 'failed'
    union
    select unnest($refused)

)

select
    callback_data,
    max(told_at) filter (where event_type = 'failed') as failed_at,
    max_by(error_code, told_at) filter (where event_type = 'failed') as failed_code,
    max_by(error_family, told_at) filter (where event_type = 'failed') as failed_family,
    min(told_at) filter (where event_type <> 'failed') as reached_at
from told
where callback_data in (select callback_data from failed)
group by callback_data
