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


{# Every node of the undirected edges (a, b) with the least node it is connected to, as (node, component).
   USING KEY keeps one row a node while the least one spreads, so the cost follows the edges and not the paths. #}
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


{# For each line (line, identity_key, other_key, is_of_spellings) every node that the undirected edges (a, b) connect
   to one of its two ends, as (line, is_of_spellings, node, side): side 0 is nearer to the first or as near, 1 to the other. #}
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
