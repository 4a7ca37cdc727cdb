"""`python -m wabench.cli`: the command line without its script."""

from wabench.cli import main

main()
