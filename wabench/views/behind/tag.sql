-- Who has a tag of a method.
select customer_id
from dim_customers
where case $method
    when 'frequency' then frequency_tag
    when 'order_value' then order_value_tag
    when 'engagement' then engagement_tag
    when 'rfm' then rfm_group
end is not distinct from $tag
