-- What one message of a category, to a country, on a day, costs on each plan of the price book. Of the lines that fit,
-- the one for the category comes before one for any, then the one for the country, then the newest.

with

book as (

    select * from {{ ref("price_book") }}

),

counted as (

    select * from {{ ref("int_messages_counted_to_classes") }}

),

classes as (

    select distinct price_category, country, price_date from counted

),

final as (

    select
        classes.price_category,
        classes.country,
        classes.price_date,
        book.provider,
        book.plan,
        book.price,
        book.currency,
        book.free_quota,
        book.quota_per,
        coalesce(book.category, '') as quota_category
    from classes
    inner join book
        on coalesce(book.category, classes.price_category)
        in (classes.price_category, replace(classes.price_category, '_in_window', ''))
        and coalesce(book.country, classes.country) = classes.country
        and book.valid_from <= classes.price_date
        and (book.valid_to is null or book.valid_to > classes.price_date)
    qualify row_number() over (
        partition by book.provider, book.plan, classes.price_category, classes.country, classes.price_date
        order by
            length(coalesce(book.category, '')) desc,
            book.country nulls last,
            book.valid_from desc
    ) = 1

)

select * from final
