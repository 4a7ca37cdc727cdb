"""dbt with Spark inside, as `python -m wabench.spark build --target spark …`: the child of a refresh on Spark.

dbt-spark's session method asks for a Spark session in dbt's own process. This makes it: raw tables are Parquet files in
`data/spark/raw`, everything that is built lies in `data/spark/warehouse` as Parquet too, and the catalogue is gone with
the process. What Spark's own configuration says (master, memory: `SPARK_CONF_DIR`) holds.
"""

import json
import os
import shutil
import threading
from pathlib import Path
from typing import Any

import dbt.adapters.spark as dbt_spark
import pyarrow as pa
from dbt.adapters.base.impl import PythonJobHelper
from dbt.adapters.base.plugin import AdapterPlugin
from pyspark.sql import DataFrame, SparkSession

from wabench.dbt import end_with_parent

_BYTES_A_PARTITION = 32 * 2**20
_CONFIGURATION = {
    "spark.sql.catalogImplementation": "in-memory",  # Hive's would leave a metastore in the working directory
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    # As in DuckDB: timestamps without a zone, days in UTC, and an error where there is no answer.
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.ansi.enabled": "true",
}
_SMALL = {  # Where data is little, generating and compiling code takes longer than running none
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=256m -XX:+UseSerialGC",
}


class Credentials(dbt_spark.SparkCredentials):
    """dbt-spark switches ANSI mode off, in which a number that is none becomes null instead of an error."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.server_side_parameters["spark.sql.ansi.enabled"] = _CONFIGURATION["spark.sql.ansi.enabled"]


class SessionJob(PythonJobHelper):
    """Run a Python model in this process, with its session; dbt-spark knows only Databricks' clusters for that."""

    def __init__(self, parsed_model: dict[str, Any], credentials: Credentials) -> None:
        self._name = parsed_model["original_file_path"]

    def submit(self, compiled_code: str) -> None:
        session = SparkSession.active()
        names = {
            "relation": lambda name: Relation(session.table(name)),
            "session": session,
            "table": session.createDataFrame,
        }
        exec(compile(compiled_code, self._name, "exec"), names)  # noqa: S102 - a model of the project, as dbt compiled it


class SparkAdapter(dbt_spark.SparkAdapter):
    """dbt-spark with Python models in the session. dbt reads the adapter's name out of the class's."""

    @property
    def default_python_submission_method(self) -> str:
        return "session"

    @property
    def python_submission_helpers(self) -> dict[str, type[PythonJobHelper]]:
        return {"session": SessionJob}


class Relation:
    """What `dbt.ref()` gives a Python model: of a DuckDB relation, the part that our models use."""

    def __init__(self, rows: DataFrame) -> None:
        self._rows = rows

    def filter(self, condition: str) -> "Relation":
        return Relation(self._rows.filter(condition))

    def to_arrow_table(self) -> pa.Table:
        return self._rows.toArrow()


def open_session(folder: Path) -> SparkSession:
    """Start Spark on the Parquet files in `folder`/raw, with nothing built yet."""
    raw = sorted((folder / "raw").glob("*.parquet"))
    if not raw:
        raise SystemExit(f"no raw tables in {folder / 'raw'}: `wabench refresh --target spark` writes them")
    for left in ("warehouse", "tmp"):
        shutil.rmtree(folder / left, ignore_errors=True)
    builder = SparkSession.builder.appName("wabench")
    partitions = sum(path.stat().st_size for path in raw) // _BYTES_A_PARTITION
    own = {
        "spark.sql.warehouse.dir": str(folder / "warehouse"),
        "spark.local.dir": str(folder / "tmp"),
        "spark.sql.shuffle.partitions": str(max(2, partitions)),
    }
    for name, value in (_CONFIGURATION | own | ({} if partitions else _SMALL)).items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("ERROR")
    session.sql("create schema raw")
    for path in raw:
        session.catalog.createTable(f"raw.{path.stem}", str(path), "parquet")
    return session


def keep_found(session: SparkSession, folder: Path, results: Path) -> None:
    """Write the rows that failing tests found as Parquet beside the tables: their views end with the process."""
    told = json.loads(results.read_bytes())["results"] if results.exists() else []
    for result in told:
        if result["status"] == "fail" and result["relation_name"]:
            schema, _, table = result["relation_name"].replace("`", "").partition(".")
            session.table(f"{schema}.{table}").write.parquet(str(folder / "warehouse" / f"{schema}.db" / table))


def main() -> None:
    """Run dbt's own command line on Spark."""
    folder = (Path(os.environ.get("WABENCH_HOME", ".")) / "data" / "spark").resolve()
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    session = open_session(folder)
    dbt_spark.Plugin = AdapterPlugin(SparkAdapter, Credentials, dbt_spark.Plugin.include_path)
    from dbt.cli.main import cli

    try:
        cli()
    finally:
        keep_found(session, folder, Path(os.environ.get("DBT_TARGET_PATH", "target")) / "run_results.json")
        session.stop()


if __name__ == "__main__":
    threading.Thread(target=end_with_parent, daemon=True).start()
    main()
