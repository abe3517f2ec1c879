"""`python -m pipeline` is `anchorline`."""

from pipeline.cli import main

main()
