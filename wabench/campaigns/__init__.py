"""The export step: audience -> policy -> ledger -> provider. The only code that writes `data/ledger.db` or sends."""
