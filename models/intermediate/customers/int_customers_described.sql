-- Who a customer is. What the CRM says of a person wins over what they call themselves, but for the phone: one that
-- WhatsApp reached them at is theirs, one that it was only told of comes last. Of several values the newest stands. A
-- phone that was parted from whom it stands with is somebody else's.

with

identities as (

    select * from {{ ref("int_identities_resolved_to_customers") }}

),

parted as (

    select * from {{ ref("int_identities_parted") }}

),

all_sightings as (

    select
        *,
        coalesce({{ user_identity("provider", "user_id") }}, {{ phone_identity("phone") }}) as identity,
        {{ phone_identity("phone") }} as phone_identity
    from {{ ref("int_message_events_collapsed_to_sightings") }}

),

all_records as (

    select *, ref_identity as identity from {{ ref("int_records_identified") }}
    where not is_deleted

),

all_orders as (

    select *, {{ ref_identity("source", "customer_ref") }} as identity, {{ phone_identity("phone") }} as phone_identity
    from {{ ref("int_orders_converted_to_currency") }}
    where not is_deleted

),

{%- for kept, all in (("sightings", "all_sightings"), ("crm", "all_records"), ("orders", "all_orders")) %}

{{ kept }} as (

    select all_rows.* except (phone), case when parted.identity is null then all_rows.phone end as phone
    from {{ all }} as all_rows
    left join parted on all_rows.phone_identity = parted.identity and all_rows.identity = parted.other_identity

),
{%- endfor %}

seen as (

    select
        identities.customer_id,
        {{ latest("case when sightings.last_reached_at is not null then sightings.phone end", "sightings.last_reached_at") }}
            as reached_phone,
        {{ latest("sightings.phone", "sightings.last_seen_at") }} as phone,
        {{ latest("sightings.user_id", "sightings.last_seen_at") }} as user_id,
        {{ latest("sightings.username", "sightings.last_seen_at") }} as username,
        {{ latest("sightings.profile_name", "sightings.last_seen_at") }} as name
    from sightings
    inner join identities on sightings.identity = identities.identity
    group by identities.customer_id

),

recorded as (

    select
        identities.customer_id
        {%- for column in ("name", "email", "phone", "locale", "timezone", "country") %},
        {{ latest("crm." ~ column, "crm.updated_at") }} as {{ column }}
        {%- endfor %}
    from crm
    inner join identities on crm.identity = identities.identity
    group by identities.customer_id

),

ordered as (

    select
        customer_id
        {%- for column in ("name", "email", "phone") %},
        {{ latest(column, "ordered_at") }} as {{ column }}
        {%- endfor %}
    from orders
    where customer_id is not null
    group by customer_id

),

addressed as (

    select customer_id, max(substr(identity, 7)) as phone from identities
    where identity_type = 'phone' and evidence = 'send'
    group by customer_id

),

customers as (

    select distinct customer_id from identities

),

final as (

    select
        customers.customer_id,
        coalesce(recorded.name, ordered.name, seen.name) as name,
        coalesce(recorded.email, ordered.email) as email,
        coalesce(seen.reached_phone, recorded.phone, ordered.phone, addressed.phone, seen.phone) as phone,
        seen.user_id,
        seen.username,
        coalesce(recorded.country, case when seen.user_id like '__.%' then substr(seen.user_id, 1, 2) end) as country,
        recorded.locale,
        recorded.timezone
    from customers
    left join seen on customers.customer_id = seen.customer_id
    left join recorded on customers.customer_id = recorded.customer_id
    left join ordered on customers.customer_id = ordered.customer_id
    left join addressed on customers.customer_id = addressed.customer_id

)

select * from final
