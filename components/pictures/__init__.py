"""Pictures: checked when they come in, decoded by the same operations in training and in the serving graph.

- `formats`: which formats there are and how large a picture may be; without TensorFlow.
- `check.check_picture`: why a picture cannot be used.
- `decode.decode_pictures`: encoded bytes to floats of one size.
"""
