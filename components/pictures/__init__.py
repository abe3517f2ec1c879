"""Pictures: checked when they come in, decoded by the same operations in training and in the serving graph.

The way of a picture: `check` tells why one cannot be used; `decode` makes pixels of one size of encoded bytes, reading
each by `read` (with `gif`, `bmp`, `alpha`, `refuse`, `out_of_line`); `augment` alters them in training.

- `check.check_picture`: why a file is no picture that can be used.
- `decode.decode_pictures`: string[N] to uint8[N, height, width, channels].
- `augment.Augment`: the Keras layer; `settings.Augmentation`: what it does.
- `formats`: which formats there are, how large a picture may be, the reasons of a refusal.
"""
