-- A customer's dialogs follow each other: one begins only after the one before was answered or fell silent.
with

dialogs as (

    select * from {{ ref("fct_dialogs") }}

),

followed as (

    select
        dialog_id,
        customer_id,
        coalesce(answered_at, last_inbound_at) as ended_at,
        status,
        lead(started_at) over (partition by customer_id order by started_at, last_inbound_at, dialog_id) as next_started_at
    from dialogs

),

final as (

    select * from followed
    where next_started_at < ended_at or (next_started_at is not null and status = 'open')

)

select * from final
