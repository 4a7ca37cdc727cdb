-- Every statement a customer made about being written to, without a time where its source gives none; none was made
-- after it was received, whatever a wrong clock says. An inbound message is no statement.

with

events as (

    select * from {{ ref("stg_messaging__message_events") }}

),

customers as (

    select * from {{ ref("int_records_identified") }}

),

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

told as (

    select
        coalesce({{ user_identity("provider", "user_id") }}, {{ phone_identity("phone") }}) as identity,
        event_type = 'opt_in' as has_consent,
        least(occurred_at, received_at) as stated_at,
        provider as consent_source
    from events
    where event_type in ('opt_in', 'opt_out')

),

recorded as (

    select
        ref_identity as identity,
        has_consent,
        case when consent_at is not null then least(consent_at, received_at) end as stated_at,
        consent_source
    from customers
    where has_consent is not null

),

statements as (

    select * from told
    union all
    select * from recorded

),

final as (

    select
        identities.customer_id,
        statements.has_consent,
        statements.stated_at,
        statements.consent_source
    from statements
    inner join identities on statements.identity = identities.identity

)

select * from final
