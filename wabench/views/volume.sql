-- Messages of a window over time: ours by category, what customers wrote as `inbound`.
with

-- By quarter of an hour first: a local time is then looked up for some thousand of them and not for each message.
counted as (

    select
        time_bucket(
            interval 15 minutes,
            coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at, received_at, reacted_at)
        ) as happened_at,
        case direction when 'in' then 'inbound' else coalesce(category, 'unknown') end as kind,
        count(*) as messages
    from fct_messages
    where coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at, received_at, reacted_at) >= $since
        and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at, received_at, reacted_at) < $until
    group by 1, 2

)

select
    date_trunc($grain, timezone($zone, timezone('UTC', happened_at))) as period,
    kind,
    sum(messages)::bigint as messages
from counted
group by 1, 2
order by period, kind
