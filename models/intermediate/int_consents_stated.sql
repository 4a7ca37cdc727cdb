-- Every statement a customer made about being written to. An inbound message is none.

with

events as (

    select * from {{ ref("stg_messaging__message_events") }}

),

customers as (

    select * from {{ ref("stg_crm__customers") }}

),

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

told as (

    select
        coalesce({{ user_identity("provider", "user_id") }}, {{ phone_identity("phone") }}) as identity,
        event_type = 'opt_in' as has_consent,
        occurred_at as stated_at,
        provider as consent_source
    from events
    where event_type in ('opt_in', 'opt_out')

),

recorded as (

    select
        {{ ref_identity("source", "customer_ref") }} as identity,
        has_consent,
        consent_at as stated_at,
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
