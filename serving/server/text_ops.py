"""TensorFlow Text's ops, which the real TF Serving has linked in; ours registers them when a model asks for them."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

from serving.server.silent_tensorflow import tf

_UNKNOWN = "Op type not registered"


def with_text_ops[Model](load: Callable[[], Model]) -> Model:
    """What `load` returns; where it fails because an op is not known, once more with TensorFlow Text's.

    Its libraries are loaded by themselves: the package's own import takes seconds, as it brings Keras.
    """
    try:
        return load()
    except (tf.errors.NotFoundError, FileNotFoundError) as error:  # from the session's loader, and from the eager one
        if _UNKNOWN not in str(error):
            raise
        spec = importlib.util.find_spec("tensorflow_text")
        if spec is None or not spec.submodule_search_locations:
            error.add_note("Tokenizers need TensorFlow Text, which is not installed: pip install tensorflow-text")
            raise
    for place in spec.submodule_search_locations:
        for library in sorted(Path(place).glob("python/ops/_*.so")):
            tf.load_op_library(str(library))
    return load()
