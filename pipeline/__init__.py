"""One configuration in, one TFX pipeline out; run it, look at it, ask it; the command line."""
