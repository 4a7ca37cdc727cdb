-- Months in which anything was sent, the newest first, and this one.
select
    month,
    max(messages) as messages,
    max(charged_cost) as charged
from fct_provider_costs
group by month
having max(messages) > 0
order by month desc
