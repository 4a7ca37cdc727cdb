"""Notebooks run as Jupyter runs them, in a kernel of their own."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat

from wabench.settings import ROOT

ALL = sorted((ROOT / "notebooks").glob("*.ipynb"))


def run(path: Path, home: Path, folder: Path) -> int:
    """Run a notebook on a shop; gives how many pictures it drew, raises with what Jupyter said where a cell failed."""
    executed = folder / path.name
    done = subprocess.run(
        [Path(sys.executable).with_name("jupyter-execute"), path, "--output", executed],
        env=os.environ | {"WABENCH_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{path.name}: {done.stderr[-3000:]}"
    outputs = [o for cell in nbformat.read(executed, 4).cells if cell.cell_type == "code" for o in cell.outputs]
    return sum("application/vnd.plotly.v1+json" in output.get("data", {}) for output in outputs)
