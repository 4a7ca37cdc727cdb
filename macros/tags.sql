{# What a customer is called, from what was counted of them by some moment; the thresholds are columns of that name beside
   it. In macros because two models call customers so: today's, and those of the moment before a message. #}
{% macro frequency_tag(orders, orders_90d) -%}
    case
        when {{ orders_90d }} >= frequency_monthly_orders then 'monthly'
        when {{ orders_90d }} > 0 then 'quarterly'
        when {{ orders }} > 0 then 'rare'
        else 'none'
    end
{%- endmacro %}

{% macro order_value_tag(average_order_value) -%}
    case
        when {{ average_order_value }} < order_value_low_below then 'low'
        when {{ average_order_value }} <= order_value_high_above then 'medium'
        when {{ average_order_value }} > order_value_high_above then 'high'
        else 'none'
    end
{%- endmacro %}

{% macro engagement_tag(days_silent) -%}
    case
        when {{ days_silent }} <= engagement_active_days then 'active_7d'
        when {{ days_silent }} <= engagement_recent_days then 'recent_30d'
        when {{ days_silent }} <= engagement_inactive_days then 'inactive_90d'
        else 'cold'
    end
{%- endmacro %}


{# The three measures that RFM scores, each the better the greater: whole days since the last order, counted down. #}
{% macro rfm_recency(last_order_at, moment) -%}
    -cast(floor({{ seconds_between(last_order_at, moment) }} / 86400.0) as bigint)
{%- endmacro %}

{# 1 to 5: how many of the measure's cut points (columns of int_rfm_cut_points) a value has reached. #}
{% macro rfm_score(measure, value) -%}
    1
    {%- for score in range(2, 6) %}
    + case when {{ value }} >= {{ measure }}_{{ score }} then 1 else 0 end
    {%- endfor %}
{%- endmacro %}
