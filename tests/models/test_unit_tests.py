"""dbt's own unit tests, rows in and rows out: of the models' code, so that a refresh has no need of them."""

import os
import re
import subprocess
import sys
from pathlib import Path

from wabench.dbt import target
from wabench.settings import ROOT, Settings


def test_dbts_unit_tests_pass(at_once: Settings) -> None:
    dbt = subprocess.run(
        [Path(sys.executable).with_name("dbt"), "test", "--select", "test_type:unit"],
        cwd=ROOT,
        env={
            **os.environ,
            "WABENCH_HOME": str(at_once.home),
            "DBT_TARGET_PATH": str(target(at_once).with_name("unit_tests")),
            "DBT_LOG_PATH": str(target(at_once).with_name("unit_tests_log")),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    (passed,) = re.findall(r"PASS=(\d+) WARN=0 ERROR=0 SKIP=0", dbt.stdout) or [dbt.stdout[-3000:]]
    assert int(passed) > 20
