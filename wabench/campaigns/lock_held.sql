-- Whether somebody holds an advisory lock of the ledger's database by a name: its hash is the key, in two halves.
select count(*) > 0
from pg_locks
where
    locktype = 'advisory'
    and granted
    and objsubid = 1
    and database = (select oid from pg_database where datname = current_database())
    and ((classid::bigint << 32) | objid::bigint) = hashtext(:name)::bigint
