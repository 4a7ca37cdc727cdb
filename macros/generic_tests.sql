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


{# Half-open bands from zero on: each begins where the one before ends, and the last one has no end. #}
{% test bands_have_no_gap(model, begin, end) %}
    select * from (
        select
            {{ begin }},
            {{ end }},
            lag({{ end }}, 1, 0) over (order by {{ begin }}) as expected_begin,
            lead({{ begin }}) over (order by {{ begin }}) as expected_end
        from {{ model }}
    ) as bands
    where {{ begin }} is distinct from expected_begin or {{ end }} is distinct from expected_end
{% endtest %}
