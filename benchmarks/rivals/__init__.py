"""The same SavedModel behind other servers, each as its own documentation writes it, with batching on.

Each file runs in an environment of its own (`benchmarks.serving` makes it), which has none of Anchorline. The model's
folder is in MODEL, the port in PORT; texts go in, vectors come out.
"""

MAX_ROWS = 32
"""Of a batch, in all of them."""
