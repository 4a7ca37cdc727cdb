"""The figures of a real shop, Online Retail (UCI 352), whose invoice lines are all there is of its orders."""

from contextlib import closing
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from shared import ONLINE_RETAIL, needs
from warehouse import ask, build, shop

from ingest import loader

LINES = """
    insert into raw.order_lines (
        source, order_id, line_number, sku, title, quantity, unit_price, customer_ref, ordered_at,
        received_at, landing_ref, load_id
    )
    select
        'retail', InvoiceNo, row_number() over (partition by InvoiceNo), StockCode, Description, Quantity, UnitPrice,
        CustomerID, InvoiceDate, InvoiceDate, 'test:0', 1
    from read_parquet($file)
"""
FIGURES = """
    select
        (select count(*) from marts.dim_customers) as customers,
        count(*) filter (where total > 0) as purchases,
        count(distinct customer_id) filter (where total > 0) as buyers,
        round(sum(total), 2) as gross,
        round(sum(refunded), 2) as refunds,
        round(sum(net), 2) as net,
        (select round(sum(net), 2) from marts.fct_orders) as net_of_all
    from marts.fct_orders
    where customer_id is not null
"""

COHORT = [885, 324, 286, 340, 321, 352, 321, 309, 313, 350, 331, 445, 235]
"""Of the customers who first bought in December 2010, who bought in each month from then on."""


@needs(ONLINE_RETAIL)
def test_online_retail_gives_its_known_figures(tmp_path: Path) -> None:
    settings = shop(tmp_path)
    with closing(loader.connect(settings)) as connection:
        connection.execute(LINES, {"file": str(ONLINE_RETAIL)})
    build(settings, datetime.fromisoformat("2011-12-10"), is_tested=True)
    money = map(Decimal, ("8911407.90", "611342.09", "8300065.81", "9747747.93"))
    assert ask(settings, FIGURES) == [(4372, 18532, 4338, *money)]
    sql = "select buyers from marts.fct_ltv_cohorts where cohort = '2010-12-01' order by months_since"
    assert [buyers for (buyers,) in ask(settings, sql)] == COHORT
    assert ask(settings, "select count(*), sum(ltv_historic) from marts.dim_customers where ltv_basis = 'model'") == [
        (4338, Decimal("8310477.0540"))
    ]
