{# Every row fulfils the expression; a row where it is null passes, as in a check constraint. #}
{% test is_true(model, expression, column_name=none) %}
    select * from {{ model }} where not ({{ expression }})
{% endtest %}


{# No two rows share these columns. #}
{% test unique_together(model, columns) %}
    select {{ columns | join(", ") }}, count(*) as rows_found
    from {{ model }}
    group by {{ columns | join(", ") }}
    having count(*) > 1
{% endtest %}
