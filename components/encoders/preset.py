"""A folder with a pretrained BERT, as Hugging Face and sentence-transformers lay it out; read without either of them.

`config.json`, `vocab.txt` and `model.safetensors` must be there; what else sentence-transformers puts beside them
(how texts are cut and vectors pooled) is heeded.
"""

import importlib.util
import json
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Literal

PACKAGE = "package:"
FILES = ("config.json", "vocab.txt", "model.safetensors")
MORE_FILES = ("modules.json", "tokenizer_config.json", "sentence_bert_config.json", "1_Pooling/config.json")
"""That are read where they are there."""

Pooling = Literal["mean", "cls"]
Activation = Literal["gelu", "gelu_new", "relu"]

_ACTIVATIONS: dict[str, Activation] = {
    "gelu": "gelu",
    "gelu_new": "gelu_new",
    "gelu_pytorch_tanh": "gelu_new",
    "relu": "relu",
}
_MODULES = {"Transformer", "Pooling", "Normalize"}


@dataclass(frozen=True)
class Preset:
    """What a folder says of its model."""

    folder: Path
    layers: int
    heads: int
    width: int
    """Size of a token's vector."""
    inner_width: int
    """Size of a feed-forward layer."""
    positions: int
    """Most tokens that the model knows positions of."""
    activation: Activation
    epsilon: float
    lower_case: bool
    max_tokens: int
    """Where a text is cut, if nothing else is said."""
    pooling: Pooling


def locate(preset: str) -> Path:
    """The folder that `preset` means: itself, or with `package:NAME` the only one of its kind inside that package.

    The package, an import name or one of a package index, is looked at and not imported.

    Raises:
        ValueError: it is not there, or not one folder with FILES.
    """
    if not preset.startswith(PACKAGE):
        folder = Path(preset)
        if not folder.is_dir():
            raise ValueError(f"there is no folder {folder}; give one with {', '.join(FILES)}, or package:NAME")
        missing = [name for name in FILES if not (folder / name).is_file()]
        if missing:
            raise ValueError(f"{folder} has no {' and no '.join(missing)}, so it is no BERT that can be read")
        return folder
    name = preset.removeprefix(PACKAGE)
    inside = sorted({path.parent for root in _roots(name) for path in root.rglob(FILES[-1])})
    folders = [folder for folder in inside if all((folder / file).is_file() for file in FILES)]
    if len(folders) != 1:
        found = "none" if not folders else ", ".join(map(str, folders))
        raise ValueError(f"package {name} must hold one folder with {', '.join(FILES)}; found: {found}")
    return folders[0]


def _roots(name: str) -> list[Path]:
    """Folders of an installed package."""
    try:
        files = distribution(name).files or []
    except (PackageNotFoundError, ValueError):
        spec = importlib.util.find_spec(name) if name.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            hint = f"; pip install {name}" if name else ""
            raise ValueError(f"there is no package {name or '(no name given)'} installed{hint}") from None
        return [Path(place) for place in spec.submodule_search_locations]
    return sorted({Path(str(file.locate())).parent for file in files if file.name == FILES[-1]})


def read_preset(preset: str) -> Preset:
    """What the folder says of its model, weights left aside.

    Raises:
        ValueError: as `locate`, or it is not a BERT of the kind that is known here.
    """
    folder = locate(preset)
    config = _read_json(folder / "config.json")
    if config.get("model_type") != "bert":
        raise ValueError(f"{folder} holds a model of type {config.get('model_type')!r}; only 'bert' is read")
    if config.get("position_embedding_type", "absolute") != "absolute" or config.get("is_decoder"):
        raise ValueError(f"{folder} holds a BERT of another kind: a decoder or one with relative positions")
    modules = {module["type"].rpartition(".")[2] for module in _read_json(folder / "modules.json", [])}
    if modules - _MODULES:
        raise ValueError(f"{folder} has modules that are not known here: {', '.join(sorted(modules - _MODULES))}")
    activation = _ACTIVATIONS.get(str(config.get("hidden_act")))
    if activation is None:
        allowed = ", ".join(_ACTIVATIONS)
        raise ValueError(f"{folder}/config.json: hidden_act is {config.get('hidden_act')!r}; known are {allowed}")
    try:
        positions = int(config["max_position_embeddings"])
        return Preset(
            folder=folder,
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            width=int(config["hidden_size"]),
            inner_width=int(config["intermediate_size"]),
            positions=positions,
            activation=activation,
            epsilon=float(config.get("layer_norm_eps", 1e-12)),
            lower_case=bool(_read_json(folder / "tokenizer_config.json", {}).get("do_lower_case", True)),
            max_tokens=int(_read_json(folder / "sentence_bert_config.json", {}).get("max_seq_length") or positions),
            pooling=_pooling(folder),
        )
    except KeyError as error:
        raise ValueError(f"{folder}/config.json: {error.args[0]} is missing") from None


def _pooling(folder: Path) -> Pooling:
    config = _read_json(folder / "1_Pooling" / "config.json", {"pooling_mode": "mean"})
    modes = [mode.removeprefix("pooling_mode_") for mode, chosen in config.items() if chosen is True]
    match config.get("pooling_mode") or modes:
        case "mean" | ["mean_tokens"]:
            return "mean"
        case "cls" | ["cls_token"]:
            return "cls"
        case other:
            raise ValueError(f"{folder}/1_Pooling/config.json: pools by {other}; known are mean and cls")


def _read_json(file: Path, default: Any = None) -> Any:
    if default is not None and not file.exists():
        return default
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ValueError(f"{file} is not JSON: {error}") from None


def read_vocabulary(folder: Path) -> list[str]:
    """The word pieces, in the order of their ids."""
    text = (folder / "vocab.txt").read_text(encoding="utf-8")
    return text.removesuffix("\n").split("\n")  # and not at U+2028, which is a piece of Chinese vocabularies
