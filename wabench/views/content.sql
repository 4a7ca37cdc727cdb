-- One rate by one side of the content, each with its 95 % interval (Wilson), and how far each is below the best.
with

-- Of all kinds of content together, by the side that is asked for.
summed as (

    select
        case $dimension
            when 'length_band' then length_band
            when 'is_personalised' then case is_personalised when true then 'yes' when false then 'no' else 'unknown' end
            when 'content_kind' then content_kind
            when 'has_call_to_action'
                then case has_call_to_action when true then 'yes' when false then 'no' else 'unknown' end
            when 'category' then category
        end as value,
        sum(messages)::bigint as messages,
        sum(delivered)::bigint as delivered,
        sum(case $rate
            when 'delivery' then delivered
            when 'read' then read
            when 'reply' then replied
            when 'conversion' then converted
        end)::bigint as part
    from fct_content_effectiveness
    group by 1

),

counted as (

    select
        value,
        part,
        case $rate when 'delivery' then messages else delivered end as whole
    from summed

),

measured as (

    select
        value,
        part,
        whole,
        part / whole::double as rate,
        (part + $z * $z / 2 - $z * sqrt(part * (whole - part) / whole::double + $z * $z / 4)) / (whole + $z * $z) as low,
        (part + $z * $z / 2 + $z * sqrt(part * (whole - part) / whole::double + $z * $z / 4)) / (whole + $z * $z) as high
    from counted
    where whole > 0

),

-- The best is the one that is sure to be good, not three messages that were all read.
best as (

    select * from measured
    order by low desc, value
    limit 1

),

-- The interval of a difference out of those of both (Newcombe, 1998, Statistics in Medicine 17, method 10).
compared as (

    select
        measured.*,
        measured.value = best.value as is_best,
        best.rate - measured.rate as behind,
        best.rate - measured.rate - sqrt(pow(best.rate - best.low, 2) + pow(measured.high - measured.rate, 2)) as behind_low,
        best.rate - measured.rate + sqrt(pow(best.high - best.rate, 2) + pow(measured.rate - measured.low, 2)) as behind_high
    from measured, best

)

select
    value,
    part,
    whole,
    rate,
    low,
    high,
    is_best,
    behind,
    behind_low,
    behind_high,
    not is_best and behind_low <= 0 and behind_high >= 0 as is_within_noise
from compared
order by rate desc, value
