-- The campaigns that used a template, each of their variants, since each began.
select
    campaigns.name,
    campaigns.status,
    campaigns.segment,
    campaigns.started_at,
    totals.variant,
    totals.accepted,
    totals.delivered,
    totals.read,
    totals.customers_delivered,
    totals.replied,
    totals.converted,
    totals.roi
from fct_campaigns as totals
inner join dim_campaigns as campaigns on totals.campaign_id = campaigns.campaign_id
where campaigns.provider = $provider and totals.template_name = $template
order by campaigns.started_at desc nulls last, campaigns.name, totals.variant
limit 100
