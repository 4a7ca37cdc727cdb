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


{# The clock on the wall at a UTC moment; the zone has to be a name that the engine knows. #}
{% macro local_time(moment, zone) -%}
    {{ return(adapter.dispatch("local_time")(moment, zone)) }}
{%- endmacro %}

{% macro duckdb__local_time(moment, zone) -%}
    timezone({{ zone }}, timezone('UTC', {{ moment }}))
{%- endmacro %}

{% macro spark__local_time(moment, zone) -%}
    cast(from_utc_timestamp(cast({{ moment }} as timestamp_ltz), {{ zone }}) as timestamp_ntz)
{%- endmacro %}


{# Monday is 1, Sunday 7. #}
{% macro iso_weekday(moment) -%}
    {{ return(adapter.dispatch("iso_weekday")(moment)) }}
{%- endmacro %}

{% macro duckdb__iso_weekday(moment) -%}
    isodow({{ moment }})
{%- endmacro %}

{% macro spark__iso_weekday(moment) -%}
    (weekday({{ moment }}) + 1)
{%- endmacro %}


{# The last UTC day that as_of saw: one at midnight saw the day before and nothing of its own. #}
{% macro last_day() -%}
    cast({{ as_of() }} - interval '1' microsecond as date)
{%- endmacro %}


{# Midnights from one date to another. #}
{% macro days_between(earlier, later) -%}
    {{ return(adapter.dispatch("days_between")(earlier, later)) }}
{%- endmacro %}

{% macro duckdb__days_between(earlier, later) -%}
    cast(date_diff('day', {{ earlier }}, {{ later }}) as integer)
{%- endmacro %}

{% macro spark__days_between(earlier, later) -%}
    datediff({{ later }}, {{ earlier }})
{%- endmacro %}


{# The dates from the first to the last, both included, a step ('1' day, '1' month) apart; a row each, none where either is null. #}
{% macro date_series(first, last, step, name) -%}
    {{ return(adapter.dispatch("date_series")(first, last, step, name)) }}
{%- endmacro %}

{% macro duckdb__date_series(first, last, step, name) -%}
    cast(unnest(generate_series({{ first }}, {{ last }}, interval {{ step }})) as date) as {{ name }}
{%- endmacro %}

{% macro spark__date_series(first, last, step, name) -%}
    explode(case when {{ first }} <= {{ last }} then sequence({{ first }}, {{ last }}, interval {{ step }}) end) as {{ name }}
{%- endmacro %}
