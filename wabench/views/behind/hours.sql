-- Whom messages reached in one hour of the week on their own clock, as far as a step; `inbound`: who wrote in it.
with

messages as (

    select
        customer_id,
        coalesce(delivered_at, received_at) as happened_at
    from fct_messages
    where case $step
        when 'delivered' then direction = 'out' and delivered_at is not null
        when 'read' then direction = 'out' and delivered_at is not null and read_at is not null
        when 'reply' then direction = 'out' and delivered_at is not null and replied_at is not null
        when 'inbound' then direction = 'in' and received_at is not null
    end

),

-- A place's clock is some whole quarters of an hour off, so its local hour is looked up once a quarter and place.
quarters as (

    select distinct
        time_bucket(interval 15 minutes, messages.happened_at) as quarter,
        customers.local_timezone
    from messages
    inner join dim_customers as customers on messages.customer_id = customers.customer_id

),

asked as (

    select quarter, local_timezone from quarters
    where isodow(timezone(local_timezone, timezone('UTC', quarter))) = $weekday
        and hour(timezone(local_timezone, timezone('UTC', quarter))) = $hour

)

select messages.customer_id
from messages
inner join dim_customers as customers on messages.customer_id = customers.customer_id
inner join asked
    on time_bucket(interval 15 minutes, messages.happened_at) = asked.quarter
    and customers.local_timezone = asked.local_timezone
