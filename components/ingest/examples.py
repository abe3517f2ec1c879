"""Makes `tf.Example`s of records."""

from collections.abc import Iterable

import tensorflow as tf

from components.ingest.parse import Record


class ExampleMaker:
    """Serialises records as `tf.train.Example`."""

    def __init__(self, parts: Iterable[str]) -> None:
        self._names = (*parts, "id", "category", "group")

    def serialise(self, record: Record) -> bytes:
        """A tf.Example with one bytes value per feature; equal records give equal bytes."""
        example = tf.train.Example()  # anew each time: a protobuf message frees nothing that was ever set in it
        features = example.features.feature
        for name, value in zip(self._names, (*record.values, *record[2:]), strict=True):
            features[name].bytes_list.value.append(value.encode() if isinstance(value, str) else value)
        return example.SerializeToString(deterministic=True)
