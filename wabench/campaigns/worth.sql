-- What a paid order of some customers was worth in the year before as-of, and of all customers, for when they have few.
select
    is_theirs,
    avg(net)::double as net,
    coalesce(stddev_samp(net), 0)::double as net_sd,
    count(*) as orders,
    sum(margin) filter (where margin is not null)::double
    / nullif(sum(net) filter (where margin is not null), 0)::double as margin_share
from fct_orders
cross join (values (true), (false)) as groups (is_theirs)
where
    is_paid
    and ordered_at >= $since
    and ordered_at < $until
    and (not is_theirs or customer_id in (select unnest($customers::text[])))
group by is_theirs
