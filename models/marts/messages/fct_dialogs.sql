-- A dialog is one customer's wait: from the first message we have not answered to our answer. It is made anew of all
-- messages in their order, so it does not matter when or in which order we heard of them. A campaign's send, marketing and
-- a one-time password answer nobody, nor does a template while free text may be written, for that is a notice of
-- something else; once the window has closed only a template is left to answer with. What is said in the moment of an
-- opt-out or opt-in is a wish and no question. A rule that hands over to a person says so, which answers nothing. After `dialog_days` of silence nobody waits any more.

{% set window = "interval '24' hour" %}
{% set patience = "interval '" ~ var("dialog_days") ~ "' day" %}
{% set in_order = "partition by customer_id order by happened_at, place, message_key" %}
with

messages as (

    select * from {{ ref("fct_messages") }}

),

statements as (

    select distinct customer_id, stated_at from {{ ref("int_consents_stated") }}
    where stated_at is not null

),

heard as (

    select * from {{ ref("stg_campaigns__heard") }}

),

-- What the ledger knows of our own answers; no provider says who wrote.
replies as (

    select
        replies.provider,
        replies.message_id,
        max(replies.written_by) as written_by,
        max(case when heard.action = 'hand_over' then 1 else 0 end) = 1 as hands_over
    from {{ ref("stg_campaigns__replies") }} as replies
    left join heard on replies.reply_id = heard.reply_id
    where replies.message_id is not null
    group by replies.provider, replies.message_id

),

tags as (

    select * from {{ ref("int_customers_tagged") }}

),

questions as (

    select
        messages.customer_id,
        messages.received_at as happened_at,
        0 as place,
        messages.message_key,
        messages.provider,
        messages.channel_id,
        coalesce(heard.action = 'hand_over', false) as is_handed_over
    from messages
    left join heard
        on messages.provider = heard.provider
        and messages.message_id = heard.message_id
    left join statements
        on messages.customer_id = statements.customer_id
        and messages.received_at = statements.stated_at
    where
        messages.direction = 'in'
        and messages.customer_id is not null
        and {{ in_window("messages.received_at") }}
        and statements.customer_id is null

),

answers as (

    select
        messages.customer_id,
        least(messages.accepted_at, messages.sent_at) as happened_at,
        1 as place,
        messages.message_key,
        coalesce(replies.written_by, case when messages.send_id is not null then 'rule' end) as written_by,
        (
            messages.category = 'service'
            or (messages.category is null and messages.content_type is not null and messages.content_kind <> 'template')
            or replies.written_by is not null
        ) as is_free,
        messages.category is null and messages.content_type is null and messages.template_name is null as is_in_doubt
    from messages
    left join replies
        on messages.provider = replies.provider
        and messages.message_id = replies.message_id
    where
        messages.direction = 'out'
        and messages.failed_at is null
        and not coalesce(replies.hands_over, false)
        and {{ in_window("least(messages.accepted_at, messages.sent_at)") }}
        and (messages.campaign_id is null or messages.template_name is null)
        and coalesce(messages.category, 'service') in ('service', 'utility')
        and messages.customer_id in (select customer_id from questions)

),

timeline as (

    select
        customer_id,
        happened_at,
        place,
        message_key,
        provider,
        channel_id,
        is_handed_over,
        cast(null as {{ dbt.type_string() }}) as written_by,
        cast(null as boolean) as is_free,
        cast(null as boolean) as is_in_doubt
    from questions
    union all
    select customer_id, happened_at, place, message_key, null, null, false, written_by, is_free, is_in_doubt from answers

),

waiting as (

    select
        *,
        max(case when place = 0 then happened_at end) over (
            {{ in_order }} rows between unbounded preceding and 1 preceding
        ) as asked_at
    from timeline

),

-- What is known of nothing but its moment was free text if that was allowed, for so most are.
counted as (

    select
        *,
        lag(place) over ({{ in_order }}) as place_before
    from waiting
    where
        place = 0
        or (
            happened_at < asked_at + {{ patience }}
            and (is_free or (is_in_doubt and happened_at < asked_at + {{ window }}) or happened_at >= asked_at + {{ window }})
        )

),

numbered as (

    select
        *,
        sum(
            case
                when place = 1 then 0
                when place_before = 0 and happened_at < asked_at + {{ patience }} then 0
                else 1
            end
        ) over ({{ in_order }} rows between unbounded preceding and current row) as dialog_number,
        place = 1 and place_before = 0 as is_answer
    from counted

),

opened as (

    select * from numbered
    where place = 0
    qualify row_number() over (
        partition by customer_id, dialog_number order by happened_at, message_key
    ) = 1

),

followed as (

    select
        customer_id,
        dialog_number,
        count(case when place = 0 then message_key end) as inbound_messages,
        max(case when place = 0 then happened_at end) as last_inbound_at,
        max(case when is_answer then happened_at end) as answered_at,
        max(case when is_answer then message_key end) as answer_message_key,
        max(case when is_answer then written_by end) as written_by,
        max(case when is_handed_over then 1 else 0 end) = 1 as is_handed_over
    from numbered
    group by customer_id, dialog_number

),

measured as (

    select
        followed.*,
        opened.message_key as dialog_id,
        opened.provider,
        opened.channel_id,
        opened.happened_at as started_at,
        case
            when followed.answered_at is not null then 'answered'
            when followed.last_inbound_at + {{ patience }} > {{ as_of() }} then 'open'
            else 'lapsed'
        end as status,
        {{ seconds_between("opened.happened_at", "followed.answered_at") }} as response_seconds,
        {{ seconds_between("opened.happened_at", "coalesce(followed.answered_at, " ~ as_of() ~ ")") }} as waited
    from followed
    inner join opened
        on followed.customer_id = opened.customer_id
        and followed.dialog_number = opened.dialog_number

),

final as (

    select
        measured.dialog_id,
        measured.customer_id,
        measured.provider,
        measured.channel_id,
        measured.started_at,
        measured.last_inbound_at,
        measured.inbound_messages,
        measured.answered_at,
        measured.answer_message_key,
        case
            when measured.answered_at is null then null
            else coalesce(measured.written_by, 'unknown')
        end as answered_by,
        cast(round(measured.response_seconds) as bigint) as first_response_seconds,
        cast(round(measured.waited) as bigint) as seconds_waited,
        measured.status,
        measured.is_handed_over,
        measured.status = 'open' as is_open,
        measured.waited > 3600 * {{ var("dialog_hours") }} as is_overdue,
        case tags.order_value_tag when 'high' then 1 when 'medium' then 2 when 'low' then 3 else 4 end as priority
    from measured
    left join tags on measured.customer_id = tags.customer_id

)

select * from final
