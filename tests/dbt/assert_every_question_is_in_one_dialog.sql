-- What a customer wrote before as_of is in one dialog, unless it was said in the moment of an opt-out or opt-in.
with

messages as (

    select * from {{ ref("fct_messages") }}
    where direction = 'in' and customer_id is not null and {{ in_window("received_at") }}

),

statements as (

    select distinct customer_id, stated_at from {{ ref("int_consents_stated") }}
    where stated_at is not null

),

questions as (

    select count(*) as questions from messages
    left join statements
        on messages.customer_id = statements.customer_id
        and messages.received_at = statements.stated_at
    where statements.customer_id is null

),

dialogs as (

    select coalesce(sum(inbound_messages), 0) as inbound_messages from {{ ref("fct_dialogs") }}

),

final as (

    select questions.questions as expected, dialogs.inbound_messages as counted from questions
    cross join dialogs
    where questions.questions <> dialogs.inbound_messages

)

select * from final
