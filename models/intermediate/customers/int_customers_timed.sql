-- The local hour in which each customer most likely looks at WhatsApp: the one they read, press and write in most, their
-- own interactions added to `best_hour_prior` of the population's, as those spread over the day. So a single message says
-- little, a hundred say nearly all. The population's are added to as many of what the trade takes for its peaks. Of two
-- hours that are as good the earlier is taken.

{% set prior = var("best_hour_prior") %}
{% set peaks = (10, 11, 20, 21) %}
with

customers as (

    select * from {{ ref("int_customers_located") }}

),

messages as (

    select * from {{ ref("fct_messages") }}

),

interactions as (

    {%- for moment in ("read_at", "clicked_at", "received_at", "reacted_at") %}
    select customer_id, {{ moment }} as happened_at from messages
    where customer_id is not null and {{ in_window(moment) }}
    {%- if not loop.last %}
    union all
    {%- endif %}
    {%- endfor %}

),

localised as (

    select
        interactions.customer_id,
        hour({{ local_time("interactions.happened_at", "customers.timezone") }}) as hour
    from interactions
    inner join customers on interactions.customer_id = customers.customer_id

),

own as (

    select customer_id, hour, count(*) as interactions from localised
    group by customer_id, hour

),

hours as (

    select hour, sum(interactions) as interactions from own
    group by hour
    {%- for hour in range(24) %}
    union all
    select {{ hour }}, {{ prior / peaks | length if hour in peaks else 0 }}
    {%- endfor %}

),

population as (

    select hour, cast(sum(interactions) as double) / sum(sum(interactions)) over () as share from hours
    group by hour

),

-- An hour a customer has never been seen in can only be the best if it is the population's best.
favourite as (

    select * from population
    qualify row_number() over (order by share desc, hour) = 1

),

scored as (

    select
        own.customer_id,
        own.hour,
        own.interactions,
        own.interactions + {{ prior }} * population.share as score
    from own
    inner join population on own.hour = population.hour
    union all
    select customers.customer_id, favourite.hour, 0, {{ prior }} * favourite.share from customers
    cross join favourite

),

final as (

    select
        customer_id,
        cast(hour as integer) as best_hour,
        cast(sum(interactions) over (partition by customer_id) as bigint) as best_hour_messages
    from scored
    qualify row_number() over (partition by customer_id order by score desc, hour) = 1

)

select * from final
