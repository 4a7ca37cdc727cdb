"""Who came when and who buys how: the triangle of cohorts, and the grid of recency and frequency."""

from typing import Any

from parts import filters, heat, look
from parts.lang import N_, _, compact, money, month, n_, number, share

from wabench.behind import Behind

CELLS = {"retained": N_("Who bought"), "revenue": N_("Net revenue per customer")}
SHADES = {"customers": N_("Customers"), "expected": N_("Expected of one"), "historic": N_("Brought by one")}


def triangle(found: list[dict[str, Any]], currency: str) -> None:
    """Show what became of the customers who bought first in each month."""
    look.section(
        _("Cohorts"),
        _("Customers by the month (UTC) of their first purchase, and months since. Who bought: share of the cohort "
          "that bought in that month. Net revenue: up to its end, by customers of the cohort"),
    )  # fmt: skip
    if not found:
        look.nothing(_("There is no month with an order yet."))
        return
    shown = filters.one(
        _("Show"), list(CELLS), "cohorts", "retained", lambda name: _(CELLS[name]), label_visibility="collapsed"
    )
    rows = [month(cohort) for cohort in sorted({row["cohort"] for row in found})]
    columns = [str(since) for since in range(max(row["months_since"] for row in found) + 1)]
    heat.draw(
        [_came(row, shown, currency) for row in found], "triangle", _("Cohorts by month of first purchase"), found,
        percent=shown == "retained", height=90 + 24 * len(rows), columns=columns, rows=rows,
        sides=(_("Months since the first purchase"), ""),
        behind_cell=lambda cell: Behind("cohort", cell.of, f"{cell.y} + {cell.x}"),
    )  # fmt: skip


def _came(row: dict[str, Any], shown: str, currency: str) -> heat.Cell:
    began = n_("{month}: {n} customer", "{month}: {n} customers", row["customers"], month=month(row["cohort"]))
    said = _("{cohort}<br>{buyers} bought in {month} ({share})<br>{money} of each so far", cohort=began,
             buyers=number(row["buyers"]), month=month(row["month"]), share=share(row["retained_share"]),
             money=money(row["net_revenue_per_customer"], currency))  # fmt: skip
    is_first = shown == "retained" and not row["months_since"]  # all of them bought then: it would outshine the rest
    value = row["retained_share"] if shown == "retained" else float(row["net_revenue_per_customer"])
    text = share(value, 0) if shown == "retained" else compact(value)
    of = {"cohort": row["cohort"], "month": row["month"] if shown == "retained" else None}
    return heat.Cell(str(row["months_since"]), month(row["cohort"]), value, said, text, is_first, of)


def grid(found: list[dict[str, Any]], currency: str) -> None:
    """Show how many customers have which scores of recency and frequency, and what one of them is worth."""
    look.section(
        _("Recency and frequency"),
        _("Customers who bought, in fifths: 5 bought latest, or most often. Compared with all others, ever"),
    )
    shade = filters.one(
        _("Show"), list(SHADES), "shade", "customers", lambda name: _(SHADES[name]), label_visibility="collapsed"
    )
    heat.draw(
        [_scored(row, shade, currency) for row in found], "rfm", _("Recency and frequency of orders"), found,
        percent=False, height=300, columns="12345", rows="54321", sides=(_("Frequency"), _("Recency")),
        behind_cell=lambda cell: Behind("rfm", cell.of, _("recency {y}, frequency {x}", y=cell.y, x=cell.x)),
    )  # fmt: skip


def _scored(row: dict[str, Any], shade: str, currency: str) -> heat.Cell:
    said = n_("{group}: {n} customer<br>{expected} expected of each in 12 months, {historic} brought so far",
              "{group}: {n} customers<br>{expected} expected of each in 12 months, {historic} brought so far",
              row["customers"], group=look.label(row["main_group"]), expected=money(row["expected"], currency),
              historic=money(row["historic"], currency))  # fmt: skip
    value = None if row[shade] is None else float(row[shade])
    of = {"recency": row["recency"], "frequency": row["frequency"]}
    return heat.Cell(str(row["frequency"]), str(row["recency"]), value, said, compact(value), value is None, of)
