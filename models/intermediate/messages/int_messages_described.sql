-- The content of each message of ours of which anything is known: a send's as it was planned, else the text that its
-- provider told. A button is told by nobody, but by who presses it: then every message of that template has one.

with

messages as (

    select * from {{ ref("int_messages_classified") }}

),

sends as (

    select * from {{ ref("stg_campaigns__sends") }}

),

campaigns as (

    select * from {{ ref("int_campaigns_spread_to_texts") }}

),

texts as (

    select * from {{ ref("int_texts_described") }}

),

customers as (

    select * from {{ ref("int_customers_described") }}

),

planned as (

    select
        sends.send_id,
        sends.text_length,
        sends.is_personalised,
        texts.has_link,
        texts.has_asking_words
    from sends
    left join campaigns
        on sends.campaign_id = campaigns.campaign_id
        and coalesce(sends.variant, '') = campaigns.variant
    left join texts on campaigns.template_body = texts.text
    where sends.text_length is not null

),

told as (

    select
        messages.message_key,
        texts.text_length,
        coalesce(texts.words like '%' || {{ words_of("split_part(trim(customers.name), ' ', 1)") }} || '%', false)
            as is_personalised,
        texts.has_link,
        texts.has_asking_words
    from messages
    inner join texts on messages.body_text = texts.text
    left join customers on messages.customer_id = customers.customer_id
    where messages.direction = 'out'

),

pressed as (

    select provider, template_name from messages
    where clicked_at is not null and template_name is not null
    union
    select asked.provider, asked.template_name
    from messages as answers
    inner join messages as asked on answers.provider || ':' || answers.reply_to_message_id = asked.message_key
    where answers.content_type = 'button' and asked.template_name is not null

),

together as (

    select
        messages.message_key,
        coalesce(planned.text_length, told.text_length) as text_length,
        coalesce(planned.is_personalised, told.is_personalised) as is_personalised,
        coalesce(planned.has_link, told.has_link) as has_link,
        coalesce(planned.has_asking_words, told.has_asking_words) as has_asking_words,
        pressed.template_name is not null or coalesce(messages.content_type in ('interactive', 'button'), false)
            as has_button
    from messages
    left join planned on messages.send_id = planned.send_id
    left join told on messages.message_key = told.message_key
    left join pressed on messages.provider = pressed.provider and messages.template_name = pressed.template_name
    where messages.direction = 'out'

),

final as (

    select
        message_key,
        text_length,
        is_personalised,
        has_link,
        case when has_button then true else has_asking_words end as has_call_to_action
    from together
    where text_length is not null or has_button

)

select * from final
