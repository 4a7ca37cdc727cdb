{# A folder's schema is its name as written, without the target's as prefix: readers look for marts.dim_customers. #}
{% macro generate_schema_name(custom_schema_name, node) -%}
    {{ (custom_schema_name or target.schema) | trim }}
{%- endmacro %}
