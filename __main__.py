"""`python -m sado`: the same as the command `sado`."""

from sado.cli.main import main

main()
