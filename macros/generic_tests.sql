{# Every row fulfils the expression; a row where it is null does not. #}
{% test is_true(model, expression, column_name=none) %}
    select * from {{ model }} where ({{ expression }}) is not true
{% endtest %}


{# None of these values is missing from the column. #}
{% test holds_all(model, column_name, values) %}
    {%- for value in values %}
    select '{{ value }}' as missing where '{{ value }}' not in (select {{ column_name }} from {{ model }})
    {%- if not loop.last %} union all {%- endif %}
    {%- endfor %}
{% endtest %}


{# No two rows share these columns. #}
{% test unique_together(model, columns) %}
    select {{ columns | join(", ") }}, count(*) as rows_found
    from {{ model }}
    group by {{ columns | join(", ") }}
    having count(*) > 1
{% endtest %}
