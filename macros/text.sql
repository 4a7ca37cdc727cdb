{# A text's words in lower case with one space around each, so that whole words can be looked for in it. #}
{% macro words_of(text) -%}
    {{ return(adapter.dispatch("words_of")(text)) }}
{%- endmacro %}

{% macro duckdb__words_of(text) -%}
    ' ' || trim(regexp_replace(lower({{ text }}), '[^\p{L}\p{N}\p{M}]+', ' ', 'g')) || ' '
{%- endmacro %}

{% macro spark__words_of(text) -%}
    ' ' || trim(regexp_replace(lower({{ text }}), '[^\\p{L}\\p{N}\\p{M}]+', ' ')) || ' '
{%- endmacro %}
