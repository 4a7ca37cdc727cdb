"""Notebooks are kept without what they once showed: outputs are of somebody's customers."""

import nbformat
import pytest

import notebooks


@pytest.mark.parametrize("path", notebooks.ALL, ids=lambda path: path.stem)
def test_a_notebook_is_kept_without_outputs_and_begins_with_what_it_is_for(path: notebooks.Path) -> None:
    first, *cells = nbformat.read(path, 4).cells
    assert first.cell_type == "markdown"
    assert first.source.startswith("# ")
    assert [cell.id for cell in cells if cell.cell_type == "code" and (cell.outputs or cell.execution_count)] == []


def test_there_are_three() -> None:
    assert len(notebooks.ALL) == 3
