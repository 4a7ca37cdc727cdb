"""Tables as dbt Python models get them, whichever engine runs the model.

`dbt.ref()` gives a DuckDB relation or a Spark DataFrame; both engines take an Arrow table as a model's answer. So a
Python model is `return answer(arrow(dbt.ref("int_…")))`, and what it calls knows neither engine. Rows come in no order:
sort where it matters.
"""

from typing import Any

import pyarrow as pa


def arrow(relation: Any) -> pa.Table:
    """Read the whole relation; a model asks for what it needs, grouped and filtered in SQL before it."""
    return relation.to_arrow_table() if hasattr(relation, "to_arrow_table") else relation.toArrow()
