-- What can be told of a text of ours by reading it: a campaign's, with the customers' own variables left open, or one that
-- a provider told us. There are few of them beside the messages, so each is read once, whatever it was sent to.

with

campaigns as (

    select * from {{ ref("int_campaigns_spread_to_texts") }}

),

messages as (

    select * from {{ ref("int_messages_classified") }}

),

asking_words as (

    select {{ words_of("words") }} as words from {{ ref("call_to_action_words") }}

),

texts as (

    select template_body as text from campaigns
    where template_body is not null
    union
    select body_text from messages
    where direction = 'out' and body_text is not null

),

spelt as (

    select text, {{ words_of("text") }} as words from texts

),

asking as (

    select distinct spelt.text from spelt
    inner join asking_words on spelt.words like '%' || asking_words.words || '%'

),

final as (

    select
        spelt.text,
        spelt.words,
        length(spelt.text) as text_length,
        lower(spelt.text) like '%http://%' or lower(spelt.text) like '%https://%' or lower(spelt.text) like '%www.%'
            as has_link,
        asking.text is not null as has_asking_words
    from spelt
    left join asking on spelt.text = asking.text

)

select * from final
