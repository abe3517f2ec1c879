"""Makes `tf.Example`s of records."""

import tensorflow as tf

from components.ingest.parse import Record


class ExampleMaker:
    """Serialises records as `tf.train.Example`."""

    def __init__(self, pair: tuple[str, str]) -> None:
        self._names = (*pair, "id", "category", "group")

    def serialise(self, record: Record) -> bytes:
        """A tf.Example with one bytes value per feature; equal records give equal bytes."""
        example = tf.train.Example()  # anew each time: a protobuf message frees nothing that was ever set in it
        features = example.features.feature
        for name, text in zip(self._names, record[1:], strict=True):
            features[name].bytes_list.value.append(text.encode())
        return example.SerializeToString(deterministic=True)
