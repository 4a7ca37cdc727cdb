-- What is told beside some identities in what was loaded: (kind, of, value), `of` a provider or source.
with

events as (

    select provider, phone, user_id, message_id from raw.message_events
    where list_contains($phones, phone) or list_contains($users, provider || ':' || user_id)

),

records as (

    select source, customer_ref, phone, email, null as order_id from raw.customers
    union all
    select source, customer_ref, phone, email, null from raw.customers_told
    union all
    select source, customer_ref, phone, email, order_id from raw.orders
    union all
    select source, customer_ref, phone, email, order_id from raw.order_lines

),

theirs as (

    select * from records
    where list_contains($phones, phone)
        or list_contains($refs, source || ':' || customer_ref)
        or list_contains($emails, lower(email))

)

select distinct 'phone' as kind, '' as of, phone as value from events where phone is not null
union
select 'user_id', provider, user_id from events where user_id is not null
union
select 'message_id', provider, message_id from events where message_id is not null
union
select 'phone', '', phone from theirs where phone is not null
union
select 'email', '', lower(email) from theirs where email is not null
union
select 'customer_ref', source, customer_ref from theirs where customer_ref is not null
union
select 'order_id', source, order_id from theirs where order_id is not null
