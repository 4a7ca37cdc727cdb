"""Saved rules that select customers: YAML -> SQL with bound parameters on the published file. Never writes a store."""
