with

source as (

    select * from {{ source("crm", "customers") }}

),

final as (

    select
        source,
        customer_ref,
        phone,
        email,
        name,
        locale,
        timezone,
        upper(country) as country,
        consent as has_consent,
        consent_at,
        coalesce(consent_source, source) as consent_source,
        coalesce(is_deleted, false) as is_deleted,
        merged_into,
        coalesce(updated_at, received_at) as updated_at,
        received_at,
        first_received_at,
        coalesce(seen_at, received_at) as seen_at,
        landing_ref like '%/batch-%' as is_from_file,
        load_id
    from source

)

select * from final
