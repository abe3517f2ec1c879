"""One predict request, whichever way it came: check it against the signature, queue it, wait for the outputs."""

from collections.abc import Collection, Iterable

import numpy as np

from serving import dtypes
from serving.server.errors import Code, StatusError, invalid
from serving.server.served import Model, Served
from serving.server.signature import Signature

Arrays = dict[str, np.ndarray]

_METHODS = tuple(f"tensorflow/serving/{name}" for name in ("predict", "classify", "regress"))


def check_names(signature: Signature, sent: Collection[str]) -> None:
    """Refuse a request whose inputs are not those of the signature. Raises StatusError (INVALID_ARGUMENT)."""
    if len(sent) == len(signature.inputs) and all(name in sent for name in signature.inputs):
        return
    names, expected = sorted(sent), list(signature.inputs)
    if len(names) != len(expected):
        raise invalid(
            f"input size does not match signature: {len(names)}!={len(expected)}"
            f" len({_set(names)}) != len({_set(expected)})."
            f" Sent extra: {_set(name for name in names if name not in expected)}."
            f" Missing but required: {_set(name for name in expected if name not in names)}."
        )
    unknown = next(name for name in names if name not in expected)
    raise invalid(
        f"input tensor alias not found in signature: {unknown}. Inputs expected to be in the set {_set(expected)}."
    )


def wanted_outputs(signature: Signature, output_filter: Iterable[str]) -> tuple[str, ...]:
    """The outputs a request asks for; all if it names none. Raises StatusError (INVALID_ARGUMENT)."""
    wanted: list[str] = []
    for name in output_filter:
        if name not in signature.outputs:
            raise invalid(
                f"output tensor alias not found in signature: {name}"
                f" Outputs expected to be in the set {_set(signature.outputs)}."
            )
        if name in wanted:
            raise invalid(f"duplicate output tensor alias: {name}")
        wanted.append(name)
    return tuple(wanted or signature.outputs)


async def run(served: Served[Model], signature: Signature, outputs: tuple[str, ...], inputs: Arrays) -> Arrays:
    """The outputs by name. `inputs` has passed `check_names`. Raises StatusError."""
    if signature.method_is_binding and signature.method not in _METHODS:
        raise StatusError(
            Code.INTERNAL,
            "Expected prediction signature method_name to be one of"
            f" {{{', '.join(_METHODS)}}}. Was: {signature.method}",
        )
    ordered = [inputs[name] for name in signature.inputs]
    for position, (spec, array) in enumerate(zip(signature.inputs.values(), ordered, strict=True)):
        sent = dtypes.BY_NUMPY[array.dtype].number
        if sent != spec.dtype:
            raise invalid(
                f"Expects arg[{position}] to be {dtypes.name_of(spec.dtype)} but {dtypes.name_of(sent)} is provided"
            )
    results = await served.batcher.submit(signature, outputs, ordered)
    return dict(zip(outputs, results, strict=True))


def _set(names: Iterable[str]) -> str:
    return "{" + ",".join(names) + "}"
