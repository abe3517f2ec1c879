"""A SavedModel as TF Serving runs it: a TF 1 Session over the MetaGraphDef tagged `serve`."""

import contextlib
import copy
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from serving.server.errors import StatusError, from_tensorflow, invalid
from serving.server.signature import Signature, TensorSpec
from serving.server.silent_tensorflow import config_pb2, tf
from serving.server.text_ops import with_text_ops

# A request may filter the outputs; each combination has a compiled callable of its own, the rarest are forgotten.
_KEPT_CALLABLES = 64

# Between the names of signatures that run together; no signature has it in its name.
_AND = "\0"


class SessionModel:
    """One loaded version. `run` is for one thread at a time.

    Attributes:
        signatures: what can be called, by name.
        signature_defs: the MetaGraphDef's own protos, for GetModelMetadata.
    """

    def __init__(
        self, path: Path, *, tags: Sequence[str] = ("serve",), threads: int = 1, methods_are_binding: bool = False
    ):
        """Load the SavedModel in folder `path`.

        Args:
            path: the version's folder.
            tags: which of its MetaGraphDefs.
            threads: how many one op may use.
            methods_are_binding: whether a signature may only be called for what its method name says.

        Raises StatusError for what TensorFlow's runtime refuses; OSError, RuntimeError or ValueError for what its
        loader does.
        """
        config = tf.compat.v1.ConfigProto(
            intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1, use_per_session_threads=True
        )
        self._callable = lru_cache(_KEPT_CALLABLES)(self._make_callable)
        try:
            self._session, meta_graph = with_text_ops(lambda: _load(path, tags, config))
        except tf.errors.OpError as error:
            raise _told(error) from error
        try:
            # Copies: a reference into the MetaGraphDef would keep all of it, weights of frozen graphs too, in memory.
            self.signature_defs: dict[str, Any] = {
                name: copy.deepcopy(proto) for name, proto in meta_graph.signature_def.items()
            }
            self.signatures = {
                name: Signature(
                    name,
                    proto.method_name,
                    _specs(proto.inputs),
                    _specs(proto.outputs),
                    method_is_binding=methods_are_binding,
                )
                for name, proto in self.signature_defs.items()
            }
            for signature in self.signatures.values():
                if _is_plain(signature):
                    # One that cannot be run, say of an input that is its own output, is refused when it is called.
                    with contextlib.suppress(tf.errors.InvalidArgumentError):
                        self._callable(signature.name, tuple(signature.outputs))
        except BaseException as error:
            self.close()
            if isinstance(error, tf.errors.OpError):
                raise _told(error) from error
            raise

    def run(self, signature: str, outputs: tuple[str, ...], inputs: list[np.ndarray]) -> list[np.ndarray]:
        """Run one signature on arrays in the order of its inputs; return `outputs` in their order.

        Raises StatusError with TensorFlow's own code and text.
        """
        try:
            results = self._callable(signature, outputs)(*inputs)
        except tf.errors.OpError as error:
            raise _told(error) from error
        except UnicodeDecodeError as error:
            # TensorFlow quotes bytes that it cannot parse, which its exceptions, made of text, cannot hold.
            raise invalid(error.object.decode("utf-8", "replace")) from error
        # A string without dimensions comes as bare bytes.
        return [np.array(result, object) if type(result) is bytes else result for result in results]

    def merged(self, names: Iterable[str]) -> Signature:
        """A signature that runs several at once; its inputs and outputs go by the names of their tensors."""
        parts = [self.signatures[name] for name in sorted(names)]
        return Signature(
            _AND.join(part.name for part in parts),
            "",
            {spec.tensor: spec for part in parts for spec in part.inputs.values()},
            {spec.tensor: spec for part in parts for spec in part.outputs.values()},
        )

    def _make_callable(self, name: str, outputs: tuple[str, ...]) -> Callable[..., list[np.ndarray]]:
        signature = self.signatures.get(name) or self.merged(name.split(_AND))
        options = config_pb2.CallableOptions(
            feed=[spec.tensor for spec in signature.inputs.values()],
            fetch=[signature.outputs[output].tensor for output in outputs],
        )
        # Ops run in the calling thread: handing them to a pool of one costs more than most of them do. The method is
        # private, but takes half the time of the public make_callable, and errors keep TensorFlow's own words.
        options.run_options.inter_op_thread_pool = -1
        return self._session._make_callable_from_options(options)

    def close(self) -> None:
        """Give the session's memory back. No call may be running or come after."""
        self._callable.cache_clear()
        self._session.close()
        del self._callable, self._session  # whoever still holds this model holds no graph, and no cycle goes through it


def _load(path: Path, tags: Sequence[str], config: Any) -> tuple[Any, Any]:
    """A session with the SavedModel in it, and its MetaGraphDef."""
    graph = tf.Graph()
    session = tf.compat.v1.Session(graph=graph, config=config)
    try:
        with graph.as_default():
            return session, tf.compat.v1.saved_model.loader.load(session, list(tags), str(path))
    except BaseException:
        session.close()
        raise


def _told(error: Any) -> StatusError:
    """TensorFlow's error with its own code and text, and what was noted on the way."""
    return from_tensorflow(error.error_code, "\n".join([error.message, *getattr(error, "__notes__", [])]))


def _is_plain(signature: Signature) -> bool:
    """Whether it can be run at all: initialisers have no inputs, sparse and composite tensors no single name."""
    specs = [*signature.inputs.values(), *signature.outputs.values()]
    return bool(signature.inputs) and all(spec.tensor for spec in specs)


def _specs(infos: Any) -> dict[str, TensorSpec]:
    return {alias: TensorSpec(infos[alias].name, infos[alias].dtype, _shape(infos[alias])) for alias in sorted(infos)}


def _shape(info: Any) -> tuple[int | None, ...] | None:
    if info.tensor_shape.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in info.tensor_shape.dim)
