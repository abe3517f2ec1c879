"""What an exported model takes in, read from its SavedModel without loading it."""

from pathlib import Path

from components.parts import INPUT_KEY, Modality

_MODALITIES = {key: modality for modality, key in INPUT_KEY.items()}


def signature_inputs(model: str | Path) -> dict[str, Modality]:
    """What each signature that takes raw texts or pictures reads, by its name, `serving_default` among them.

    Args:
        model: folder of a SavedModel.
    """
    from tensorflow.core.protobuf import saved_model_pb2

    content = (Path(model) / "saved_model.pb").read_bytes()
    (graph,) = saved_model_pb2.SavedModel.FromString(content).meta_graphs
    return {
        name: _MODALITIES[key]
        for name, signature in sorted(graph.signature_def.items())
        for key in signature.inputs
        if key in _MODALITIES
    }
