-- What the newest refresh that was tested found, without what passed; `passed` counts those, in every row.
with

newest as (

    select * from meta_tests
    where run_id = (select max(run_id) from meta_tests)

),

counted as (

    select
        max(run_id) as run_id,
        count(*) as tests,
        count(*) filter (where status = 'pass') as passed,
        count(*) filter (where status = 'warn') as warned,
        count(*) filter (where status not in ('pass', 'warn')) as failed,
        coalesce(sum(seconds), 0) as seconds
    from newest

)

select
    counted.*,
    newest.test,
    newest.model,
    newest.status,
    newest.failures,
    newest.message
from counted
left join newest on newest.status <> 'pass'
order by newest.status = 'warn', newest.failures desc, newest.test
limit 100
