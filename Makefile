PY := .venv/bin/python
STAMP := .venv/.ready
