-- Messages with all that a price book asks of them: what they are, where they went, on which day. A message is
-- chargeable when it was delivered, or its provider says what it cost. Without a phone the business-scoped id says the
-- country. No price is guessed of a template nobody told the category of, nor of what nobody told the content of, unless
-- the customer's window was open: outside it only templates are sent.

with

messages as (

    select
        *,
        cast(coalesce(delivered_at, sent_at, accepted_at, received_at, reacted_at) as date) as price_date,
        direction = 'out' and (delivered_at is not null or coalesce(price, 0) > 0) as is_chargeable,
        substr(phone, 2, {{ var("calling_code_digits") }}) as prefix
    from {{ ref("int_messages_resolved_to_customers") }}

),

calling_codes as (

    select * from {{ ref("calling_codes") }}

),

prefixes as (

    select distinct prefix from messages
    where prefix is not null

),

countries as (

    select prefixes.prefix, calling_codes.country from prefixes
    inner join calling_codes on prefixes.prefix like calling_codes.prefix || '%'
    qualify row_number() over (partition by prefixes.prefix order by length(calling_codes.prefix) desc) = 1

),

-- A utility template costs less, or nothing, while the customer's window is open, and free text is sent only then. Mostly
-- the provider says which it was.
in_doubt as (

    select message_key, customer_id, coalesce(sent_at, delivered_at) as happened_at from messages
    where
        is_chargeable
        and customer_id is not null
        and (
            (category = 'utility' and pricing_type is null and price is null)
            or (category is null and template_name is null and content_type is null)
        )

),

timeline as (

    select message_key, customer_id, happened_at, cast(null as timestamp) as received_at from in_doubt
    union all
    select null, customer_id, received_at, received_at from messages
    where received_at is not null and customer_id in (select customer_id from in_doubt)

),

answering as (

    select
        message_key,
        happened_at < max(received_at) over (
            partition by customer_id order by happened_at rows between unbounded preceding and current row
        ) + interval '24' hour as is_in_window
    from timeline

),

final as (

    select
        messages.* except (prefix),
        case
            when messages.category = 'utility' and answering.is_in_window then 'utility_in_window'
            when messages.category is not null then messages.category
            when messages.template_name is not null or messages.content_type = 'template' then 'unknown'
            when messages.content_type is not null or answering.is_in_window or messages.direction = 'in' then 'service'
            else 'unknown'
        end as price_category,
        coalesce(
            countries.country, case when messages.user_id like '__.%' then upper(substr(messages.user_id, 1, 2)) end, ''
        ) as country
    from messages
    left join countries on messages.prefix = countries.prefix
    left join answering on messages.message_key = answering.message_key and answering.is_in_window

)

select * from final
