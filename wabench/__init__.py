"""What ingest, the models, the app and the command line stand on.

Imports none of them, but for `cli` and `refresh`, which call `ingest`.
"""

__version__ = "0.1.0"
