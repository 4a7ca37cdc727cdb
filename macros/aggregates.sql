{# A share that is null, not an error and not zero, where there is nothing to divide by. #}
{% macro rate(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif({{ denominator }}, 0)
{%- endmacro %}


{% macro money(expression) -%}
    cast({{ expression }} as decimal(18, 4))
{%- endmacro %}


{# The price of one message: with more digits, for there are very many of them. #}
{% macro unit_price(expression) -%}
    cast({{ expression }} as decimal(18, 9))
{%- endmacro %}


{# An even part of an amount in a row that has `parts` and `is_main`; the main part takes what can't be parted evenly, so
   that the parts add up to the amount. #}
{% macro part_of(amount) -%}
    {%- set even = money("floor(" ~ amount ~ " * 10000 / parts) / 10000") -%}
    {{ money("case when is_main then " ~ amount ~ " - (parts - 1) * " ~ even ~ " else " ~ even ~ " end") }}
{%- endmacro %}


{# The newest value that is known; of two from the same moment the greater, so that every run picks the same. #}
{% macro latest(value, moment) -%}
    {{ return(adapter.dispatch("latest")(value, moment)) }}
{%- endmacro %}

{% macro duckdb__latest(value, moment) -%}
    max_by({{ value }}, row({{ moment }}, {{ value }})) filter (where {{ value }} is not null)
{%- endmacro %}

{% macro spark__latest(value, moment) -%}
    max_by({{ value }}, struct({{ moment }}, {{ value }})) filter (where {{ value }} is not null)
{%- endmacro %}


{# A group's texts in one, in their own order. #}
{% macro joined_text(text) -%}
    {{ return(adapter.dispatch("joined_text")(text)) }}
{%- endmacro %}

{% macro duckdb__joined_text(text) -%}
    string_agg({{ text }}, ', ' order by {{ text }})
{%- endmacro %}

{% macro spark__joined_text(text) -%}
    listagg({{ text }}, ', ') within group (order by {{ text }})
{%- endmacro %}
