{# A share that is null, not an error and not zero, where there is nothing to divide by. #}
{% macro rate(numerator, denominator) -%}
    cast({{ numerator }} as double) / nullif({{ denominator }}, 0)
{%- endmacro %}


{# The ends of the 95 % interval of a share (Wilson, 1927, JASA 22): it holds for few trials and for shares near 0 and 1,
   where the share itself plus and minus its error would not. Null where nothing was tried. #}
{% macro wilson_low(successes, trials) -%}
    {{ _wilson(successes, trials, "-", successes ~ " = 0", "0.0") }}
{%- endmacro %}

{% macro wilson_high(successes, trials) -%}
    {{ _wilson(successes, trials, "+", successes ~ " = " ~ trials, "1.0") }}
{%- endmacro %}

{# At none and at all of them one end is exactly the share; arithmetic would miss it by its last digit. #}
{% macro _wilson(successes, trials, sign, is_whole, whole) -%}
    {%- set z = var("interval_z") -%}
    {%- set n = "cast(nullif(" ~ trials ~ ", 0) as double)" -%}
    {%- set x = "cast(" ~ successes ~ " as double)" -%}
    case
        when {{ trials }} = 0 then null
        when {{ is_whole }} then cast({{ whole }} as double)
        else (
            {{ x }} + {{ z }} * {{ z }} / 2 {{ sign }} {{ z }} * sqrt({{ x }} * ({{ n }} - {{ x }}) / {{ n }} + {{ z }} * {{ z }} / 4)
        ) / ({{ n }} + {{ z }} * {{ z }})
    end
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
    {{ money("case when is_main then " ~ amount ~ " - cast(parts - 1 as integer) * " ~ even ~ " else " ~ even ~ " end") }}
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


{# How many independent trials these are worth: those of one customer resemble each other, so that ten messages to one say
   less than one to each of ten. They are divided by the design effect: the share's variance between customers (a ratio of
   sums, Cochran 1977, section 2.11) by what it would be if all were independent; at most all of them. Where that can't be
   told (one customer, or all or none succeeded) each customer counts as one. `squares` and `products` are sums over customers: of successes squared, of trials squared, and
   of one by the other. #}
{% macro independent_trials(successes, trials, customers, success_squares, trial_squares, products) -%}
    {%- set share = rate(successes, trials) -%}
    {%- set squares -%}
        ({{ success_squares }} - 2 * {{ share }} * {{ products }} + {{ share }} * {{ share }} * {{ trial_squares }})
    {%- endset -%}
    case
        when {{ customers }} < 2 or {{ successes }} in (0, {{ trials }}) then cast({{ customers }} as double)
        when {{ squares }} <= 0 then cast({{ trials }} as double)
        else
            least(
                cast({{ trials }} as double),
                {{ share }} * (1 - {{ share }}) * pow({{ trials }}, 3) * ({{ customers }} - 1)
                / (({{ trials }} - 1) * {{ customers }} * {{ squares }})
            )
    end
{%- endmacro %}
