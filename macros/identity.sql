{# A phone without what varies for one and the same mobile: Brazil's ninth digit (only before 6-9, where the
   eight-digit number was a mobile too; before 2-5 it would be somebody's landline), Mexico's 1, Argentina's 9. #}
{% macro phone_key(phone) -%}
    case
        when {{ phone }} like '+55__9%' and length({{ phone }}) = 14 and substr({{ phone }}, 7, 1) in ('6', '7', '8', '9')
            then '+55' || substr({{ phone }}, 4, 2) || substr({{ phone }}, 7)
        when {{ phone }} like '+521%' and length({{ phone }}) = 14 then '+52' || substr({{ phone }}, 5)
        when {{ phone }} like '+549%' and length({{ phone }}) = 14 then '+54' || substr({{ phone }}, 5)
        else {{ phone }}
    end
{%- endmacro %}


{# Identities as text: null in, null out. #}
{% macro phone_identity(phone) -%}
    'phone:' || {{ phone }}
{%- endmacro %}

{% macro user_identity(provider, user_id) -%}
    'user_id:' || {{ provider }} || ':' || {{ user_id }}
{%- endmacro %}

{% macro ref_identity(source, customer_ref) -%}
    'customer_ref:' || {{ source }} || ':' || {{ customer_ref }}
{%- endmacro %}


{# An identity in the one spelling that stands for all of its phone's. #}
{% macro identity_key(identity) -%}
    case
        when {{ identity }} like 'phone:%' then {{ phone_identity(phone_key("substr(" ~ identity ~ ", 7)")) }}
        else {{ identity }}
    end
{%- endmacro %}


{# The customer id that an identity gives when it is the earliest of its customer. #}
{% macro customer_id_of(identity) -%}
    'c' || substr(md5({{ identity }}), 1, 16)
{%- endmacro %}


{# A stable number from 0 to 9999 for experiments. #}
{% macro bucket(text) -%}
    {{ return(adapter.dispatch("bucket")(text)) }}
{%- endmacro %}

{% macro duckdb__bucket(text) -%}
    cast(cast('0x' || substr(md5({{ text }}), 1, 8) as bigint) % 10000 as integer)
{%- endmacro %}

{% macro spark__bucket(text) -%}
    cast(cast(conv(substr(md5({{ text }}), 1, 8), 16, 10) as bigint) % 10000 as int)
{%- endmacro %}


{# Every node of the undirected edges (a, b), a <> b, with the least node it is connected to, as (node, component). `edges` is a
   relation. USING KEY keeps one row a node while the least one spreads, so the cost follows the edges and not the paths. #}
{% macro connected_components(edges) -%}
    {{ return(adapter.dispatch("connected_components")(edges)) }}
{%- endmacro %}

{% macro duckdb__connected_components(edges) -%}
    with recursive
        neighbours as (
            select a as node, b as neighbour from {{ edges }}
            union
            select b as node, a as neighbour from {{ edges }}
        ),

        spread(node, component) using key (node) as (
            select node, least(node, min(neighbour)) from neighbours group by node
            union
            (
                select neighbours.node, min(spread.component)
                from spread
                inner join neighbours on spread.node = neighbours.neighbour
                inner join recurring.spread as known on neighbours.node = known.node
                where spread.component < known.component
                group by neighbours.node
            )
        )

    select node, component from spread
{%- endmacro %}


{# Spark has no recursion that aggregates or ends by itself on cycles. Every edge of `stars` leads from the greater node to
   the lesser one; each round leads all greater, then all lesser neighbours of a node to the least of them, until nothing
   is left but stars. Rounds grow with the logarithm of the longest chain (Kiveris et al., Connected Components in
   MapReduce and Beyond, 2014, algorithm 4). #}
{% macro spark__connected_components(edges) -%}
    {%- if execute -%}
    {%- set found = namespace(stars=kept_as("stars_0", "select distinct greatest(a, b) as node, least(a, b) as component from "
        ~ edges ~ " where a <> b"), left=1) -%}
    {%- for round in range(1, 100) if found.left -%}
        {%- set greater %}
            with neighbours as (
                select node, component as neighbour from {{ found.stars }}
                union all
                select component, node from {{ found.stars }}
            ),
            led as (
                select node, neighbour, least(node, min(neighbour) over (partition by node)) as component from neighbours
            )
            select distinct neighbour as node, component from led where neighbour > node
        {% endset -%}
        {%- set lesser %}
            with led as (
                select node, component, min(component) over (partition by node) as least_one
                from {{ kept_as("greater_" ~ round, greater) }}
            )
            select node, least_one as component from led
            union
            select component, least_one from led where component <> least_one
        {% endset -%}
        {%- set found.stars = kept_as("stars_" ~ round, lesser) -%}
        {%- set found.left = run_query("select count(*) from " ~ found.stars ~ " as one inner join " ~ found.stars
            ~ " as other on one.component = other.node")[0][0]
            + run_query("select count(*) - count(distinct node) from " ~ found.stars)[0][0] -%}
    {%- endfor -%}
    select node, component from {{ found.stars }}
    union
    select component, component from {{ found.stars }}
    {%- endif -%}
{%- endmacro %}


{# For each line (line, identity_key, other_key, is_of_spellings) every node that the undirected edges (a, b) connect
   to one of its two ends, as (line, is_of_spellings, node, side): side 0 is nearer to the first or as near, 1 to the
   other. Both are relations. #}
{% macro nearest_ends(lines, edges) -%}
    {{ return(adapter.dispatch("nearest_ends")(lines, edges)) }}
{%- endmacro %}

{% macro duckdb__nearest_ends(lines, edges) -%}
    with recursive
        neighbours as (
            select a as node, b as neighbour, is_of_spellings from {{ edges }}
            union
            select b as node, a as neighbour, is_of_spellings from {{ edges }}
        ),

        spread(line, is_of_spellings, node, side) using key (line, node) as (
            select line, is_of_spellings, identity_key, 0 from {{ lines }}
            union
            select line, is_of_spellings, other_key, 1 from {{ lines }}
            union
            (
                select spread.line, spread.is_of_spellings, neighbours.neighbour, min(spread.side)
                from spread
                inner join neighbours
                    on spread.node = neighbours.node
                    and spread.is_of_spellings = neighbours.is_of_spellings
                left join recurring.spread as known
                    on spread.line = known.line
                    and neighbours.neighbour = known.node
                where known.node is null
                group by spread.line, spread.is_of_spellings, neighbours.neighbour
            )
        )

    select line, is_of_spellings, node, side from spread
{%- endmacro %}

{# As many rounds as the longest way has steps; most shops have no such line, and none is gone then. #}
{% macro spark__nearest_ends(lines, edges) -%}
    {%- if execute -%}
    {%- set ends %}
        select line, is_of_spellings, identity_key as node, 0 as side, 0 as steps from {{ lines }}
        union all
        select line, is_of_spellings, other_key, 1, 0 from {{ lines }}
    {% endset -%}
    {%- set found = namespace(spread=kept_as("spread_0", ends)) -%}
    {%- set found.left = run_query("select count(*) from " ~ found.spread)[0][0] -%}
    {%- for step in range(1, 10000) if found.left -%}
        {%- set further %}
            with neighbours as (
                select a as node, b as neighbour, is_of_spellings from {{ edges }}
                union
                select b, a, is_of_spellings from {{ edges }}
            )
            select line, is_of_spellings, node, side, steps from {{ found.spread }}
            union all
            select spread.line, spread.is_of_spellings, neighbours.neighbour, min(spread.side), {{ step }}
            from {{ found.spread }} as spread
            inner join neighbours
                on spread.node = neighbours.node
                and spread.is_of_spellings = neighbours.is_of_spellings
            left join {{ found.spread }} as known
                on spread.line = known.line
                and neighbours.neighbour = known.node
            where spread.steps = {{ step - 1 }} and known.node is null
            group by spread.line, spread.is_of_spellings, neighbours.neighbour
        {% endset -%}
        {%- set found.spread = kept_as("spread_" ~ step, further) -%}
        {%- set found.left = run_query("select count(*) from " ~ found.spread ~ " where steps = " ~ step)[0][0] -%}
    {%- endfor -%}
    select line, is_of_spellings, node, side from {{ found.spread }}
    {%- endif -%}
{%- endmacro %}
