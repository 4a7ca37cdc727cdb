with

measured as (

    select * from {{ ref("int_customers_measured") }}

),

described as (

    select * from {{ ref("int_customers_described") }}

),

tagged as (

    select * from {{ ref("int_customers_tagged") }}

),

timed as (

    select * from {{ ref("int_customers_timed") }}

),

located as (

    select * from {{ ref("int_customers_located") }}

),

scored as (

    select * from {{ ref("int_customers_scored") }}

),

valued as (

    select * from {{ ref("int_customers_valued") }}

),

-- What is known now, also of a past as_of: who may be written to has no look-back.
consents as (

    select * from {{ ref("int_consents_stated") }}
    qualify row_number() over (
        partition by customer_id order by stated_at desc nulls last, has_consent, consent_source
    ) = 1

),

final as (

    select
        measured.customer_id,
        described.name,
        described.email,
        described.phone,
        described.user_id,
        described.username,
        described.country,
        described.locale,
        described.timezone,
        located.timezone as local_timezone,
        described.phone is not null or described.user_id is not null as is_reachable,
        case when consents.has_consent then 'opted_in' when not consents.has_consent then 'opted_out' else 'unknown' end
            as consent,
        consents.stated_at as consent_at,
        consents.consent_source,
        measured.first_seen_at,
        measured.first_order_at,
        measured.last_order_at,
        measured.orders_30d,
        measured.orders_90d,
        measured.orders_365d,
        measured.orders,
        measured.net_revenue_30d,
        measured.net_revenue_90d,
        measured.net_revenue_365d,
        measured.net_revenue,
        measured.average_order_value,
        measured.net_revenue as ltv_historic,
        valued.ltv_expected_12m,
        valued.ltv_expected_12m_low,
        valued.ltv_expected_12m_high,
        valued.ltv_expected_12m_variance,
        coalesce(valued.ltv_band, 'none') as ltv_band,
        valued.expected_orders_12m,
        valued.p_alive,
        coalesce(valued.churn_risk, 'none') as churn_risk,
        valued.expected_next_order_at,
        coalesce(valued.ltv_basis, 'none') as ltv_basis,
        '{{ var("currency") }}' as currency,
        measured.last_interaction_at,
        cast(floor({{ seconds_between("measured.last_interaction_at", as_of()) }} / 86400) as integer)
            as days_since_interaction,
        {%- for verb in ("received", "read", "replied") %}
        {%- for suffix in ("_7d", "_30d", "_90d", "") %}
        measured.messages_{{ verb }}{{ suffix }},
        {%- endfor %}
        {%- endfor %}
        {{ rate("measured.messages_read", "measured.messages_received") }} as read_rate,
        {{ rate("measured.messages_replied", "measured.messages_received") }} as reply_rate,
        timed.best_hour,
        timed.best_hour_messages,
        measured.last_promotional_at,
        measured.last_inbound_at,
        measured.last_inbound_at + interval '24' hour as window_open_until,
        coalesce(measured.last_inbound_at + interval '24' hour > {{ as_of() }}, false) as is_window_open,
        tagged.frequency_tag,
        tagged.order_value_tag,
        tagged.engagement_tag,
        scored.rfm_recency,
        scored.rfm_frequency,
        scored.rfm_monetary,
        coalesce(scored.rfm_group, 'none') as rfm_group,
        {{ bucket("measured.customer_id") }} as bucket
    from measured
    inner join described on measured.customer_id = described.customer_id
    inner join tagged on measured.customer_id = tagged.customer_id
    left join timed on measured.customer_id = timed.customer_id
    left join located on measured.customer_id = located.customer_id
    left join scored on measured.customer_id = scored.customer_id
    left join valued on measured.customer_id = valued.customer_id
    left join consents on measured.customer_id = consents.customer_id

)

select * from final
