"""The trained SavedModel, asked through its signatures as a client does."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf

from serving.server.text_ops import with_text_ops

_BATCH = 128


class ReportedModel:
    """A SavedModel whose signatures take one string for each row.

    Args:
        folder: of the SavedModel.
    """

    def __init__(self, folder: Path) -> None:
        # Variables live only as long as what was loaded.
        self._loaded = with_text_ops(lambda: tf.saved_model.load(str(folder)))

    def ask(self, signature: str, values: Sequence[bytes]) -> dict[str, np.ndarray]:
        """Outputs of a signature, the first axis running over the rows.

        Args:
            signature: its name.
            values: one or more texts, encoded pictures or, for `evaluate`, serialised tf.Examples.
        """
        function = self._loaded.signatures[signature]
        (key,) = function.structured_input_signature[1]
        batches = [
            function(**{key: tf.constant(values[start : start + _BATCH])}) for start in range(0, len(values), _BATCH)
        ]
        return {name: np.concatenate([batch[name].numpy() for batch in batches]) for name in batches[0]}
