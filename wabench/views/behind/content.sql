-- Whom messages of a side of the content reached as far as a rate counts. Lengths are from `from_characters` on, without
-- `to_characters`; of a length nobody knows where both are null.
select customer_id
from fct_messages
where direction = 'out'
    and case $rate
        when 'delivery' then delivered_at is not null
        when 'read' then read_at is not null
        when 'reply' then replied_at is not null
        when 'conversion' then converted_at is not null
    end
    and case $dimension
        when 'length_band' then case
            when $from_characters is null then text_length is null
            else text_length >= $from_characters and ($to_characters is null or text_length < $to_characters::bigint)
        end
        when 'is_personalised'
            then case is_personalised when true then 'yes' when false then 'no' else 'unknown' end = $value
        when 'content_kind' then content_kind = $value
        when 'has_call_to_action'
            then case has_call_to_action when true then 'yes' when false then 'no' else 'unknown' end = $value
        when 'category' then coalesce(category, 'unknown') = $value
    end
