-- Whom a reply goes to: one customer, with the number their last message came to.
with

customer as (

    select * from dim_customers where customer_id = $customer_id

),

asked as (

    select
        max(received_at) as last_inbound_at,
        max_by(provider, received_at) as provider,
        max_by(channel_id, received_at) as channel_id
    from fct_messages
    where customer_id = $customer_id and direction = 'in' and received_at is not null

)

select
    customer.customer_id,
    customer.name,
    customer.phone,
    customer.user_id,
    customer.consent,
    customer.consent_at,
    asked.provider,
    asked.channel_id,
    asked.last_inbound_at
from customer
cross join asked
