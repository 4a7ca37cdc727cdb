-- What each promotional message's customer was called at the moment before it reached them. Today's tags would know what the
-- message itself brought about: a customer is active because they read it.

with

messages as (

    select
        *,
        {{ money(rate("net_revenue_before", "orders_before")) }} as average_order_value,
        {{ seconds_between("last_interaction_at", "touched_at") }} / 86400.0 as days_silent
    from {{ ref("int_messages_measured") }}

),

followed as (

    select * from {{ ref("int_messages_followed_to_outcomes") }}

),

thresholds as (

    select * from {{ ref("int_tag_thresholds_pivoted") }}

),

cut_points as (

    select * from {{ ref("int_rfm_cut_points") }}

),

named as (

    select * from {{ ref("rfm_groups") }}

),

tagged as (

    select
        messages.*,
        {{ frequency_tag("messages.orders_before", "messages.orders_90d_before") | indent(4) }} as frequency_tag,
        {{ order_value_tag("messages.average_order_value") | indent(4) }} as order_value_tag,
        {{ engagement_tag("messages.days_silent") | indent(4) }} as engagement_tag,
        {{ rfm_score("recency", rfm_recency("messages.last_order_at", "messages.touched_at")) | indent(4) }} as recency,
        {{ rfm_score("frequency", "messages.orders_before") | indent(4) }} as frequency,
        {{ rfm_score("monetary", "messages.net_revenue_before") | indent(4) }} as monetary
    from messages
    cross join thresholds
    cross join cut_points

),

final as (

    select
        tagged.message_key,
        tagged.customer_id,
        tagged.touched_at,
        tagged.frequency_tag,
        tagged.order_value_tag,
        tagged.engagement_tag,
        coalesce(named.rfm_group, 'none') as rfm_group,
        coalesce({{ in_window("tagged.read_at") }}, false) as is_read,
        followed.converted_at is not null as is_converted,
        tagged.cost,
        tagged.orders
    from tagged
    left join followed on tagged.message_key = followed.message_key
    left join named
        on tagged.orders_before > 0
        and tagged.recency between named.recency_from and named.recency_to
        and tagged.frequency between named.frequency_from and named.frequency_to
        and tagged.monetary between named.monetary_from and named.monetary_to

)

select * from final
