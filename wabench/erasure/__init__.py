"""Erasing a person: who that is, what is left of them in each store, and how they are known not to come back."""
