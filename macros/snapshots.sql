{# A customer who is gone ends at as_of, not when the clock says: dbt asks this for the end of a deleted row. #}
{% macro duckdb__snapshot_get_time() -%}
    {{ as_of() }}
{%- endmacro %}


{# Before a snapshot is taken: what an earlier run of the same as_of saw is taken back, so that the last one stands, whatever
   was loaded or killed in between. A moment before the newest is refused, for later rows would contradict it; `wabench
   refresh` leaves the snapshot out then. #}
{% macro forget_this_moment() -%}
    {%- if execute and load_relation(this) is not none -%}
        {%- set later -%}
            select 1 from {{ this }} where dbt_valid_from > {{ as_of() }} or dbt_valid_to > {{ as_of() }} limit 1
        {%- endset -%}
        {%- if run_query(later) | length > 0 -%}
            {{ exceptions.raise_compiler_error(this ~ " knows a later moment; leave it out: --exclude " ~ this.identifier) }}
        {%- endif -%}
        delete from {{ this }} where dbt_valid_from = {{ as_of() }};
        update {{ this }} set dbt_valid_to = null where dbt_valid_to = {{ as_of() }}
    {%- endif -%}
{%- endmacro %}
