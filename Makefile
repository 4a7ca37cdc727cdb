# Everything a newcomer, a developer and CI need. `make demo` and `make test` set up what they use.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
SPARK := .venv-spark
BENCH_READY := $(VENV)/.bench

# Public data and specifications that some tests compare with, where they are at hand.
export WABENCH_SHARED ?= $(wildcard $(abspath ../shared))

.PHONY: setup demo app check test test-faults test-spark spark java bench bench-app screenshots browser postgres clean

setup: $(READY)

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "wabench needs Python 3.11 or newer; say where with make PYTHON=..."; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: setup
	$(BIN)/wabench demo $(ARGS)

app: setup
	$(BIN)/wabench app $(ARGS)

# The fast half: what an editor would underline, and the tests that start no browser and no dbt.
check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 3 --dist worksteal -m "not faults and not spark and not browser and not slow" $(ARGS)

test: setup browser postgres
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 3 --dist worksteal -m "not faults and not spark" $(ARGS)

test-faults: setup postgres
	$(BIN)/pytest -m faults $(ARGS)

# Every mart of DuckDB beside Spark's. Spark is large, so it has an environment of its own.
test-spark: spark
	$(SPARK)/bin/pytest -m spark $(ARGS)

spark: java $(SPARK)/.ready

$(SPARK)/.ready: requirements-spark.lock pyproject.toml
	test -x $(SPARK)/bin/python || $(PYTHON) -m venv $(SPARK)
	$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-spark.lock
	$(SPARK)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

bench: setup browser $(BENCH_READY)
	$(BIN)/python tests/bench/bench_landing.py
	$(BIN)/python tests/bench/bench_receiver.py
	$(BIN)/python tests/bench/bench_replies.py
	$(BIN)/python tests/bench/bench_sender.py
	PYTHONPATH=tests/support $(BIN)/python tests/bench/bench_ltv.py
	$(BIN)/python tests/bench/bench_refresh.py
	$(BIN)/python tests/bench/bench_app.py

# Segments and pages at a million customers while a refresh runs; ARGS="--shop FOLDER" keeps the shop for the next time.
bench-app: setup browser
	$(BIN)/python tests/bench/bench_app.py $(ARGS)

# What measurements compare with, and nothing else needs; its lock pins the rest as requirements.lock does.
$(BENCH_READY): requirements-bench.lock $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements-bench.lock
	touch $@

# Every page in both languages, by day and night, taken by the demo's own test; those that the docs show are copied.
screenshots: setup browser
	WABENCH_SCREENSHOTS=$(abspath data/screenshots) $(BIN)/pytest tests/app/test_demo.py
	cd data/screenshots && cp overview.png segments.png campaign.png messages-ru-dark.png ../../docs/images/

# A browser for the app's tests: the one on the PATH, else apt's where we are root, else a word on what to install.
browser:
	@for name in chromium chromium-browser google-chrome; do command -v $$name >/dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -qq --no-install-recommends chromium fonts-dejavu-core >/dev/null; \
	else \
		echo "no browser: install chromium (Debian: apt-get install chromium) for the app's tests"; \
		test "$$CI" != true; \
	fi

# The same for PostgreSQL, which the tests start themselves; without it they are left out.
postgres:
	@if command -v initdb >/dev/null || test -n "$(wildcard /usr/lib/postgresql/*/bin/initdb)"; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -qq --no-install-recommends postgresql >/dev/null; \
	else \
		echo "no PostgreSQL: install it (Debian: apt-get install postgresql) for the ledger's tests"; \
		test "$$CI" != true; \
	fi

# The same for the Java that Spark runs on.
java:
	@if test -n "$$JAVA_HOME" || command -v java >/dev/null; then exit 0; fi; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && apt-get install -qq --no-install-recommends openjdk-17-jre-headless >/dev/null; \
	else \
		echo "no Java: install 17 or newer (Debian: apt-get install openjdk-17-jre-headless) for Spark"; \
		exit 1; \
	fi

clean:
	rm -rf $(VENV) $(SPARK) data/demo data/dbt data/spark
