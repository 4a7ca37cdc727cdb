-- Whom a campaign, or one of its variants, reached as far as a step of the funnel.
select customer_id
from fct_messages
where campaign_id = $campaign_id
    and ($variant is null or coalesce(variant, '') = $variant)
    and case $step
        when 'accepted' then true
        when 'delivered' then delivered_at is not null
        when 'read' then read_at is not null
        when 'replied' then is_replied
        when 'converted' then converted_at is not null
        when 'failed' then failed_at is not null and delivered_at is null
    end
