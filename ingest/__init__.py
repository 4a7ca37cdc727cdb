"""Bring facts in: outside -> landing -> `raw.*`. Decides nothing about anyone and sends nothing to anyone."""
