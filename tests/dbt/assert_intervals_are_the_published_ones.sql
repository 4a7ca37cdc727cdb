-- Newcombe (1998), Statistics in Medicine 17, table I, method 3 (Wilson's score interval), to the digits printed there.
with

published as (

    select 81 as successes, 263 as trials, 0.2553 as low, 0.3662 as high
    union all
    select 15, 148, 0.0624, 0.1605
    union all
    select 0, 20, 0.0000, 0.1611
    union all
    select 1, 29, 0.0061, 0.1718

),

computed as (

    select *, {{ wilson_low("successes", "trials") }} as our_low, {{ wilson_high("successes", "trials") }} as our_high
    from published

),

final as (

    select * from computed
    where abs(our_low - low) > 0.00005 or abs(our_high - high) > 0.00005

)

select * from final
