-- Whatever is told of the content of our messages, each of them is counted, once.
with

contents as (

    select
        {%- for step in ("messages", "delivered", "read", "replied", "converted") %}
        coalesce(sum({{ step }}), 0) as {{ step }}{{ "," if not loop.last }}
        {%- endfor %}
    from {{ ref("fct_content_effectiveness") }}

),

expected as (

    select
        count(*) as messages,
        count(delivered_at) as delivered,
        count(read_at) as read,
        count(replied_at) as replied,
        count(converted_at) as converted
    from {{ ref("fct_messages") }}
    where direction = 'out'

),

final as (

    select contents.messages as counted, expected.messages as expected from contents
    cross join expected
    where
        contents.messages <> expected.messages
        or contents.delivered <> expected.delivered
        or contents.read <> expected.read
        or contents.replied <> expected.replied
        or contents.converted <> expected.converted

)

select * from final
