-- Every statement a customer made about being written to, without a time where its source gives none; none was made
-- after it was received, whatever a wrong clock says. An inbound message is no statement. A refusal outlasts what it
-- was recorded with: it stays with the phone of a record that was deleted, and with both of two identities that were
-- parted.

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

parted as (

    select * from {{ ref("int_identities_parted") }}

),

told as (

    select
        {{ user_identity("provider", "user_id") }} as user_identity,
        {{ phone_identity("phone") }} as phone_identity,
        event_type = 'opt_in' as has_consent,
        least(occurred_at, received_at) as stated_at,
        provider as consent_source
    from events
    where event_type in ('opt_in', 'opt_out')

),

recorded as (

    select
        ref_identity,
        phone_identity,
        is_deleted,
        has_consent,
        case when consent_at is not null then least(consent_at, received_at) end as stated_at,
        consent_source
    from customers
    where has_consent is not null and (not has_consent or not is_deleted)

),

statements as (

    select coalesce(user_identity, phone_identity) as identity, has_consent, stated_at, consent_source from told
    union all
    select told.phone_identity, told.has_consent, told.stated_at, told.consent_source from told
    inner join parted
        on told.phone_identity = parted.identity
        and told.user_identity = parted.other_identity
    where not told.has_consent
    union all
    select ref_identity, has_consent, stated_at, consent_source from recorded
    union all
    select phone_identity, has_consent, stated_at, consent_source from recorded
    where is_deleted

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
