{people},

judged as (
    select
        people.customer_id,
        people.bucket,
        case when was.customer_id is null then false else was.is_in end as was_in,
        {old} as would_be_in,
        {new} as is_in
    from people
    left join was on people.customer_id = was.customer_id
),

moved as (
    select
        customer_id,
        bucket,
        case
            when was_in is null or is_in is null or (was_in <> is_in and would_be_in is null) then 'unknown'
            when is_in and not was_in then 'came'
            when was_in and not is_in then 'left'
            when is_in then 'stayed'
        end as change,
        -- With the old rule on the new data they would be where they are: the data moved them, else the rule did.
        case when was_in <> is_in then case when would_be_in = is_in then 'data' else 'rule' end end as cause
    from judged
)

select change, cause, count(*) as customers, arg_min(customer_id, bucket, $size) as sample
from moved
where change is not null
group by change, cause
order by change, cause
