{# What dbt-spark's own macros can't do in a session: seeds with nulls and apostrophes, types as DuckDB calls them, and
   Python models. #}

{% macro spark_type(type) -%}
    {{ return({"text": "string", "varchar": "string"}.get(type | lower, type)) }}
{%- endmacro %}


{% macro spark_literal(value) -%}
    {%- if value is none -%} null
    {%- else -%} '{{ value | string | replace("\\", "\\\\") | replace("'", "\\'") }}'
    {%- endif -%}
{%- endmacro %}


{% macro spark__create_csv_table(model, agate_table) %}
    {%- set types = model["config"].get("column_types", {}) -%}
    {%- set sql -%}
        create table {{ this.render() }} (
            {%- for column in agate_table.column_names %}
            {{ adapter.quote(column) }} {{ spark_type(types.get(column) or adapter.convert_type(agate_table, loop.index0)) }}
            {{- "," if not loop.last }}
            {%- endfor %}
        )
    {%- endset -%}
    {% call statement("_") %}{{ sql }}{% endcall %}
    {{ return(sql) }}
{% endmacro %}


{% macro spark__load_csv_rows(model, agate_table) %}
    {%- set types = model["config"].get("column_types", {}) -%}
    {%- set statements = [] -%}
    {%- for rows in agate_table.rows | batch(get_batch_size()) -%}
        {%- set sql -%}
            insert into {{ this.render() }} values
            {%- for row in rows %}
            ({% for column in agate_table.column_names -%}
                cast({{ spark_literal(row[loop.index0]) }} as {{ spark_type(types.get(column) or adapter.convert_type(agate_table, loop.index0)) }})
                {{- ", " if not loop.last }}
            {%- endfor %}){{ "," if not loop.last }}
            {%- endfor %}
        {%- endset -%}
        {%- do adapter.add_query(sql, abridge_sql_log=True) -%}
        {%- do statements.append(sql) -%}
    {%- endfor -%}
    {{ return(statements[0] if statements else "") }}
{% endmacro %}


{# A Python model's answer, an Arrow table, as one of Spark's; wabench/spark.py runs this and knows its names. #}
{% macro spark__create_table_as(temporary, relation, compiled_code, language="sql") -%}
    {%- if language == "python" %}
{{ compiled_code }}
table(model(dbtObj(relation), session)).write.mode("overwrite").saveAsTable("{{ relation.schema }}.{{ relation.identifier }}")
    {%- else -%}
        {{ dbt.spark__create_table_as(temporary, relation, compiled_code) }}
    {%- endif -%}
{%- endmacro %}


{# A statement's rows in a table that lasts as long as Spark's catalogue, for what comes in rounds; gives its name. #}
{% macro kept_as(name, sql) %}
    {%- set table = this.schema ~ "." ~ this.identifier ~ "__" ~ name -%}
    {%- do run_query("drop table if exists " ~ table) -%}
    {%- do run_query("create table " ~ table ~ " as " ~ sql) -%}
    {{ return(table) }}
{% endmacro %}


{# Spark can merge into Delta, Iceberg or Hudi tables alone, so what DuckDB builds on is here built whole each time. #}
{% materialization incremental, adapter="spark" %}
    {{ return(materialization_table_spark()) }}
{% endmaterialization %}


{# Spark plans a view anew for each of its readers, and views of views by the product; staging's are too plain to matter. #}
{% materialization view, adapter="spark" %}
    {{ return(create_or_replace_view() if model.schema == "staging" else materialization_table_spark()) }}
{% endmaterialization %}
