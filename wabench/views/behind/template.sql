-- Whom messages with a template reached as far as a step of the funnel, in a window.
select customer_id
from fct_messages
where direction = 'out'
    and provider = $provider
    and template_name = $template
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) >= $since
    and coalesce(accepted_at, sent_at, delivered_at, read_at, failed_at) < $until
    and case $step
        when 'messages' then true
        when 'delivered' then delivered_at is not null
        when 'read' then read_at is not null
        when 'replied' then is_replied and delivered_at is not null
        when 'converted' then converted_at is not null and delivered_at is not null
    end
