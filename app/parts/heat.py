"""Heat maps whose cells can be clicked: Plotly selects no cell of its own, so each is a bar on the shelf of its row."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import plotly.graph_objects as go
from parts import charts

from wabench.behind import Behind

_FILLED = 0.94  # of a cell's width and height; the rest is the gap between cells


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its column and row, what colours it, what it says; grey where too little stands behind it."""

    x: str
    y: str
    value: float | None
    hover: str
    text: str = ""
    is_grey: bool = False
    of: Mapping[str, Any] = field(default_factory=dict)


def draw(
    cells: Sequence[Cell], key: str, title: str, data: charts.Rows, percent: bool, height: int,
    columns: Sequence[str], rows: Sequence[str], sides: tuple[str, str] = ("", ""),
    behind_cell: Callable[[Cell], Behind | None] | None = None,
) -> None:  # fmt: skip
    """Draw cells in these columns and rows, which `sides` name."""
    layers = [cell for cell in cells if not cell.is_grey], [cell for cell in cells if cell.is_grey]
    drawn = go.Figure([_layer(layer, columns, rows, bool(i)) for i, layer in enumerate(layers)])
    form = "~%" if percent else charts.ticks(cell.value or 0 for cell in cells)
    bar = {"thickness": 8, "outlinewidth": 0, "tickformat": form, "len": 1, "y": 0.5}
    drawn.update_layout(
        barmode="overlay", showlegend=False, margin_r=40,
        coloraxis={"colorscale": charts.scale(), "colorbar": bar, "showscale": bool(layers[0])},
    )  # fmt: skip
    drawn.update_xaxes(
        tickvals=list(range(len(columns))), ticktext=list(columns), showgrid=False, title=sides[0] or None,
        range=[-0.5, len(columns) - 0.5],
    )  # fmt: skip
    drawn.update_yaxes(
        tickvals=[i + 0.5 for i in range(len(rows))], ticktext=list(rows), showgrid=False, zeroline=False,
        range=[len(rows), 0], title=sides[1] or None,
    )  # fmt: skip
    found = None
    if behind_cell:
        found = lambda point: behind_cell(layers[point["curve_number"]][point["point_index"]])  # noqa: E731
    charts.chart(drawn, key, title, data, height, behind_point=found)


def _layer(cells: Sequence[Cell], columns: Sequence[str], rows: Sequence[str], is_grey: bool) -> go.Bar:
    colour = {"color": charts.colour("line")} if is_grey else {
        "color": [cell.value for cell in cells], "coloraxis": "coloraxis"
    }  # fmt: skip
    return go.Bar(
        x=[columns.index(cell.x) for cell in cells],
        y=[_FILLED] * len(cells),
        base=[rows.index(cell.y) + (1 - _FILLED) / 2 for cell in cells],
        width=_FILLED,
        marker={**colour, "line": {"width": 0}},
        text=[cell.text for cell in cells],
        textposition="inside",
        insidetextanchor="middle",
        textangle=0,
        hovertext=[cell.hover for cell in cells],
        hoverinfo="text",
    )
