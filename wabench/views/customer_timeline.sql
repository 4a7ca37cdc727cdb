-- A text may hold anybody's phone or e-mail; who sees masked ones sees them masked there, too.
with

orders as (

    select
        ordered_at as happened_at,
        'order' as kind,
        status as what,
        order_id as detail,
        net as amount,
        attributed_message_key as message_key
    from fct_orders
    where customer_id = $customer_id

),

messages as (

    select
        coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at, received_at, reacted_at) as happened_at,
        case direction when 'in' then 'received' else 'sent' end as kind,
        case when direction = 'out' and is_replied then 'replied' else status end as what,
        coalesce(
            case when $is_masked then regexp_replace(body_text, $private, $hidden, 'g') else body_text end,
            template_name,
            content_kind,
            content_type
        ) || coalesce(' · ' || error_code, '') as detail,
        null::decimal(18, 4) as amount,
        message_key
    from fct_messages
    where customer_id = $customer_id

),

tags as (

    select
        dbt_valid_from as happened_at,
        frequency_tag,
        order_value_tag,
        engagement_tag,
        rfm_group,
        consent,
        lag(struct_pack(frequency_tag, order_value_tag, engagement_tag, rfm_group, consent))
            over (order by dbt_valid_from) as before
    from snap_customer_tags
    where customer_id = $customer_id

),

changes as (

    select
        happened_at,
        'tags' as kind,
        case when before is null then 'first known' else 'changed' end as what,
        array_to_string(list_filter([
            case when before.frequency_tag is distinct from frequency_tag then frequency_tag end,
            case when before.order_value_tag is distinct from order_value_tag then order_value_tag end,
            case when before.engagement_tag is distinct from engagement_tag then engagement_tag end,
            case when before.rfm_group is distinct from rfm_group then rfm_group end,
            case when before.consent is distinct from consent then consent end
        ], lambda each: each is not null), ' ') as detail,
        null::decimal(18, 4) as amount,
        null as message_key
    from tags

),

identities as (

    select
        since as happened_at,
        'identity' as kind,
        evidence as what,
        case
            when not $is_masked then identity
            when identity_type in ('customer_ref', 'customer_id') then identity
            else '•••• ' || right(identity, 4)
        end as detail,
        null::decimal(18, 4) as amount,
        null as message_key
    from dim_identities
    where customer_id = $customer_id

),

happened as (

    select * from orders
    union all
    select * from messages
    union all
    select * from changes
    union all
    select * from identities

)

select
    happened_at,
    kind,
    what,
    detail,
    amount,
    message_key
from happened
where list_contains($kinds, kind) and happened_at is not null
order by happened_at desc, kind, detail
limit $size
