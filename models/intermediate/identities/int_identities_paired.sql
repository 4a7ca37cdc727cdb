{{ config(materialized="view") }}

-- Two identities that are one person, as (a, b), in no direction: what links say, but for what overrides have parted.

with

links as (

    select * from {{ ref("int_identities_linked") }}

),

parted as (

    select * from {{ ref("int_identities_parted") }}

),

final as (

    select distinct links.identity as a, links.other_identity as b from links
    left join parted on links.identity = parted.identity and links.other_identity = parted.other_identity
    where links.other_identity is not null and links.identity <> links.other_identity and parted.identity is null

)

select * from final
