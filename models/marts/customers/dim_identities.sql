with

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

sends as (

    select * from {{ ref("int_sends_resolved_to_customers") }}

),

known as (

    select
        substr(identity, length(identity_type) + 2) as identity,
        identity_type,
        customer_id,
        since,
        evidence
    from identities

),

-- What the ledger calls a customer leads on, also after that customer was merged into another.
planned as (

    select
        planned_customer_id as identity,
        'customer_id' as identity_type,
        customer_id,
        planned_at as since,
        'send' as evidence
    from sends
    where customer_id is not null
    qualify row_number() over (partition by planned_customer_id order by planned_at desc, send_id) = 1

),

final as (

    select * from known
    union all
    select * from planned

)

select * from final
