-- Sends as the ledger has them, each led to who the customer is today: identities may have merged since the plan.

with

sends as (

    select * from {{ ref("stg_campaigns__sends") }}

),

campaigns as (

    select * from {{ ref("stg_campaigns__campaigns") }}

),

texts as (

    select * from {{ ref("int_campaigns_spread_to_texts") }}

),

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

keyed as (

    select
        sends.*,
        campaigns.provider,
        campaigns.channel_id,
        campaigns.open_stage,
        coalesce(texts.template_name, campaigns.template_name) as template_name,
        campaigns.category,
        coalesce(
            {{ user_identity("campaigns.provider", "sends.user_id") }}, {{ phone_identity("sends.phone") }}
        ) as identity
    from sends
    inner join campaigns on sends.campaign_id = campaigns.campaign_id
    left join texts on sends.campaign_id = texts.campaign_id and coalesce(sends.variant, '') = texts.variant

),

former as (

    select {{ customer_id_of("identity") }} as former_id, customer_id from identities

),

final as (

    select
        keyed.send_id,
        keyed.campaign_id,
        keyed.customer_id as planned_customer_id,
        coalesce(identities.customer_id, former.customer_id) as customer_id,
        keyed.provider,
        keyed.channel_id,
        keyed.template_name,
        keyed.category,
        coalesce(keyed.variant, '') as variant,
        keyed.arm,
        coalesce(keyed.stage > keyed.open_stage, false) as waits_for_stage,
        keyed.phone,
        keyed.user_id,
        keyed.state,
        keyed.reason,
        keyed.message_id,
        keyed.error_code,
        keyed.error_family,
        keyed.planned_at,
        keyed.claimed_at,
        keyed.outcome_at
    from keyed
    left join identities on keyed.identity = identities.identity
    left join former on keyed.identity is null and keyed.customer_id = former.former_id

)

select * from final
