{# The end of every trailing window: the variable, else what `wabench refresh` put into the environment (dbt parses the
   whole project anew when a variable changes, not when this does), else when this dbt run started. #}
{% macro as_of() -%}
    {%- set given = var("as_of") or env_var("WABENCH_AS_OF", "") -%}
    cast('{{ given or run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp)
{%- endmacro %}


{# Before this a moment has passed: as_of, or now where that is later, for a refresh pulls after it has begun. #}
{% macro now_or_as_of() -%}
    greatest({{ as_of() }}, cast('{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp))
{%- endmacro %}


{# Whether a moment lies in the half-open window [as_of - days, as_of); without days, anywhere before as_of. #}
{% macro in_window(moment, days=none) -%}
    ({{ moment }} < {{ as_of() }}{% if days %} and {{ moment }} >= {{ as_of() }} - interval '{{ days }}' day{% endif %})
{%- endmacro %}


{% macro seconds_between(earlier, later) -%}
    {{ return(adapter.dispatch("seconds_between")(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__seconds_between(earlier, later) -%}
    ((epoch_us({{ later }}) - epoch_us({{ earlier }})) / 1e6)
{%- endmacro %}

{% macro spark__seconds_between(earlier, later) -%}
    ((unix_micros(cast({{ later }} as timestamp_ltz)) - unix_micros(cast({{ earlier }} as timestamp_ltz))) / 1e6)
{%- endmacro %}
