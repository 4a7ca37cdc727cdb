-- How soon customers reply. Messages are counted, as everywhere: what was written after two of ours replies to both. So
-- beside them stands each reply once, by the message of ours it followed most closely.

with

messages as (

    select * from {{ ref("fct_messages") }}
    where direction = 'out' and delivered_at is not null

),

bands as (

    select * from {{ ref("reply_delay_bands") }}

),

closest as (

    select min(reply_seconds) as reply_seconds from messages
    where is_replied
    group by customer_id, replied_at

),

timed as (

    select cast(floor(reply_seconds / 60) as bigint) as minutes, 1 as replied, 0 as replies from messages
    where is_replied
    union all
    select cast(floor(reply_seconds / 60) as bigint), 0, 1 from closest

),

counted as (

    select minutes, sum(replied) as replied, sum(replies) as replies from timed
    group by minutes

),

banded as (

    select
        bands.delay_band,
        bands.stage,
        bands.from_minutes,
        bands.to_minutes,
        cast(coalesce(sum(counted.replied), 0) as bigint) as replied,
        cast(coalesce(sum(counted.replies), 0) as bigint) as replies
    from bands
    left join counted
        on counted.minutes >= bands.from_minutes
        and counted.minutes < coalesce(bands.to_minutes, counted.minutes + 1)
    group by bands.delay_band, bands.stage, bands.from_minutes, bands.to_minutes

),

delivered as (

    select count(*) as delivered from messages

),

totals as (

    select
        banded.*,
        cast(sum(banded.replied) over () as bigint) as all_replied,
        cast(sum(banded.replies) over () as bigint) as all_replies,
        cast(
            sum(banded.replied) over (order by banded.from_minutes rows between unbounded preceding and current row)
            as bigint
        ) as replied_until,
        delivered.delivered
    from banded
    cross join delivered

),

final as (

    select
        delay_band,
        stage,
        from_minutes,
        to_minutes,
        replied,
        replies,
        all_replied,
        all_replies,
        delivered,
        {{ rate("replied", "all_replied") }} as share_of_replied,
        {{ wilson_low("replied", "all_replied") }} as share_of_replied_low,
        {{ wilson_high("replied", "all_replied") }} as share_of_replied_high,
        {{ rate("replies", "all_replies") }} as share_of_replies,
        {{ wilson_low("replies", "all_replies") }} as share_of_replies_low,
        {{ wilson_high("replies", "all_replies") }} as share_of_replies_high,
        {{ rate("replied_until", "delivered") }} as reply_rate_until
    from totals

)

select * from final
