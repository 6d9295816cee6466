"""`python -m loresmith`."""

from loresmith.cli.main import main

main()
