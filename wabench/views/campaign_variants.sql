-- What became of a campaign, a row a variant.
select * from fct_campaigns
where campaign_id = $campaign_id
order by variant
