create or replace table meta_refreshes as
select
    'r1' as run_id,
    timestamp '2026-11-22 18:00:05' as started_at,
    timestamp '2026-11-22 18:00:00' as as_of,
    'running' as status;
