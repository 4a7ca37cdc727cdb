-- What can be told of an experiment from sums: of whoever chance put into one of two arms, whatever became of their send,
-- how many ordered, how often and for how much from the campaign's start to `attribution_days` after its last send; and
-- what they had spent before. Of a campaign in stages only who is of a stage that was let go, in either arm. Who turned
-- out to be a customer of both arms is in neither. Covariate is the square root of what was spent before: a few big
-- spenders would outweigh everybody else, and a root still tells zero from little.

{%- set metrics = ("conversions", "orders", "net_revenue") %}

with

sends as (

    select * from {{ ref("int_sends_resolved_to_customers") }}

),

campaigns as (

    select * from {{ ref("stg_campaigns__campaigns") }}
    where started_at is not null

),

-- A retry belongs to the campaign it retries: what it sent, what that cost and until when it tells are of one experiment.
experiments as (

    select campaign_id, coalesce(retry_of, campaign_id) as experiment_id from {{ ref("stg_campaigns__campaigns") }}

),

orders as (

    select * from {{ ref("int_orders_converted_to_currency") }}
    where customer_id is not null

),

months as (

    select * from {{ ref("int_sends_summed_to_months") }}

),

costs as (

    select
        experiments.experiment_id as campaign_id,
        months.variant,
        sum(months.cost) as cost,
        sum(months.messages_without_cost) as messages_without_cost
    from months
    inner join experiments on months.campaign_id = experiments.campaign_id
    group by experiments.experiment_id, months.variant

),

last_sends as (

    select experiments.experiment_id as campaign_id, max(sends.claimed_at) as claimed_at from sends
    inner join experiments on sends.campaign_id = experiments.campaign_id
    group by experiments.experiment_id

),

windows as (

    select
        campaigns.campaign_id,
        campaigns.holdout_share,
        campaigns.started_at,
        campaigns.started_at - interval '{{ var("pre_period_days") }}' day as pre_period_from,
        greatest(campaigns.started_at, coalesce(last_sends.claimed_at, campaigns.started_at))
        + interval '{{ var("attribution_days") }}' day as measured_until
    from campaigns
    left join last_sends on campaigns.campaign_id = last_sends.campaign_id

),

customers as (

    select
        campaign_id, variant, coalesce(customer_id, planned_customer_id) as customer_id, min(arm) as arm
    from sends
    where arm is not null and waits_for_stage is not true
    group by campaign_id, variant, coalesce(customer_id, planned_customer_id)
    having min(arm) = max(arm)

),

bought as (

    select
        customers.campaign_id,
        customers.variant,
        customers.customer_id,
        sum(orders.net) filter (where orders.ordered_at < windows.started_at) as pre_period_net_revenue,
        count(*) filter (where orders.is_paid and orders.ordered_at >= windows.started_at) as orders,
        sum(orders.net) filter (where orders.ordered_at >= windows.started_at) as net_revenue
    from customers
    inner join windows on customers.campaign_id = windows.campaign_id
    inner join orders
        on customers.customer_id = orders.customer_id
        and orders.ordered_at >= windows.pre_period_from
        and orders.ordered_at < windows.measured_until
    group by customers.campaign_id, customers.variant, customers.customer_id

),

-- Decimals, so that sums are the same in whatever order they are added.
measured as (

    select
        customers.campaign_id,
        customers.variant,
        customers.arm,
        {{ money("coalesce(bought.pre_period_net_revenue, 0)") }} as pre_period_net_revenue,
        {{ money("sqrt(greatest(coalesce(bought.pre_period_net_revenue, 0), 0))") }} as covariate,
        case when bought.orders > 0 then 1 else 0 end as conversions,
        coalesce(bought.orders, 0) as orders,
        {{ money("coalesce(bought.net_revenue, 0)") }} as net_revenue
    from customers
    left join bought
        on customers.campaign_id = bought.campaign_id
        and customers.variant = bought.variant
        and customers.customer_id = bought.customer_id

),

summed as (

    select
        campaign_id,
        variant
        {%- for arm in ("treated", "held_out") %}
        {%- set filter = "filter (where arm = '" ~ arm ~ "')" %},
        count(*) {{ filter }} as {{ arm }}_customers,
        sum(pre_period_net_revenue) {{ filter }} as {{ arm }}_pre_period_net_revenue,
        sum(covariate) {{ filter }} as {{ arm }}_covariate,
        sum(covariate * covariate) {{ filter }} as {{ arm }}_covariate_squared
        {%- for metric in metrics %},
        sum({{ metric }}) {{ filter }} as {{ arm }}_{{ metric }},
        sum({{ metric }} * {{ metric }}) {{ filter }} as {{ arm }}_{{ metric }}_squared,
        sum({{ metric }} * covariate) {{ filter }} as {{ arm }}_{{ metric }}_by_covariate
        {%- endfor %}
        {%- endfor %}
    from measured
    group by campaign_id, variant

),

final as (

    select
        summed.campaign_id,
        summed.variant,
        windows.holdout_share,
        windows.measured_until,
        case when costs.messages_without_cost = 0 then costs.cost end as cost
        {%- for arm in ("treated", "held_out") %},
        summed.{{ arm }}_customers,
        {{ money("summed." ~ arm ~ "_pre_period_net_revenue") }} as {{ arm }}_pre_period_net_revenue
        {%- for column in ("covariate",) + metrics %},
        cast(summed.{{ arm }}_{{ column }} as double) as {{ arm }}_{{ column }},
        cast(summed.{{ arm }}_{{ column }}_squared as double) as {{ arm }}_{{ column }}_squared
        {%- if column != "covariate" %},
        cast(summed.{{ arm }}_{{ column }}_by_covariate as double) as {{ arm }}_{{ column }}_by_covariate
        {%- endif %}
        {%- endfor %}
        {%- endfor %}
    from summed
    inner join windows on summed.campaign_id = windows.campaign_id
    left join costs on summed.campaign_id = costs.campaign_id and summed.variant = costs.variant

)

select * from final
