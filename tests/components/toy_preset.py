"""A BERT of two layers with random weights, written as Hugging Face lays one out; and what it computes, in NumPy."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

PIECES = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", *"abcdefghijklmnopqrstuvwxyz.?!", *(f"##{one}" for one in "abcdeimnorst")]
WORDS = ["fence", "permit", "need", "build", "##ing", "how", "house", "may", "altan", "许", "可", "证", "울타리", "बाड़"]
VOCABULARY = [*PIECES, *WORDS]
LAYERS, HEADS, WIDTH, INNER, POSITIONS = 2, 2, 8, 12, 24
EPSILON = 1e-12

type Tensors = dict[str, np.ndarray]


def write_preset(folder: Path, *, dtype: str = "F32", prefix: str = "", **config: object) -> Tensors:
    """Write a preset; entries of its config.json may be changed, and with None taken out. Returns the tensors."""
    folder.mkdir(parents=True)
    (folder / "vocab.txt").write_text("".join(f"{piece}\n" for piece in VOCABULARY), encoding="utf-8")
    whole = {
        "model_type": "bert",
        "hidden_act": "gelu",
        "hidden_size": WIDTH,
        "intermediate_size": INNER,
        "layer_norm_eps": EPSILON,
        "max_position_embeddings": POSITIONS,
        "num_attention_heads": HEADS,
        "num_hidden_layers": LAYERS,
    } | config
    kept = {name: value for name, value in whole.items() if value is not None}
    (folder / "config.json").write_text(json.dumps(kept), encoding="utf-8")
    tensors = random_tensors()
    write_tensors(folder / "model.safetensors", tensors, dtype=dtype, prefix=prefix)
    return tensors


def random_tensors() -> Tensors:
    """Weights that are nowhere 0 and all differ."""
    random = np.random.default_rng(3)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(VOCABULARY), WIDTH),
        "embeddings.position_embeddings.weight": (POSITIONS, WIDTH),
        "embeddings.token_type_embeddings.weight": (2, WIDTH),
        "embeddings.LayerNorm.weight": (WIDTH,),
        "embeddings.LayerNorm.bias": (WIDTH,),
    }
    for layer in range(LAYERS):
        dense = {f"attention.self.{part}": (WIDTH, WIDTH) for part in ("query", "key", "value")}
        dense |= {"attention.output.dense": (WIDTH, WIDTH), "intermediate.dense": (INNER, WIDTH)}
        for name, shape in (dense | {"output.dense": (WIDTH, INNER)}).items():
            shapes |= {f"encoder.layer.{layer}.{name}.weight": shape, f"encoder.layer.{layer}.{name}.bias": shape[:1]}
        for name in ("attention.output.LayerNorm", "output.LayerNorm"):
            shapes |= {f"encoder.layer.{layer}.{name}.{part}": (WIDTH,) for part in ("weight", "bias")}
    return {name: random.normal(scale=0.7, size=shape).astype(np.float32) for name, shape in shapes.items()}


def write_tensors(file: Path, tensors: Mapping[str, np.ndarray], *, dtype: str = "F32", prefix: str = "") -> None:
    """Write the safetensors format in one of its types for numbers with a point."""
    header: dict[str, object] = {"__metadata__": {"format": "pt"}}
    content = b""
    for name, tensor in tensors.items():
        data = (
            (tensor.view("<u4") >> 16).astype("<u2") if dtype == "BF16" else tensor.astype(f"<f{int(dtype[1:]) // 8}")
        )
        offsets = [len(content), len(content) + data.nbytes]
        header[prefix + name] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": offsets}
        content += data.tobytes()
    text = json.dumps(header).encode()
    file.write_bytes(len(text).to_bytes(8, "little") + text + content)


def encode_one(tensors: Mapping[str, np.ndarray], pieces: Sequence[str], pooling: str = "mean") -> np.ndarray:
    """Unit vector of one text, given as word pieces, with [CLS] and [SEP] around them; written from the paper."""
    weights = {name: tensor.astype(np.float64) for name, tensor in tensors.items()}

    def dense(x: np.ndarray, name: str) -> np.ndarray:
        return x @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def norm(x: np.ndarray, name: str) -> np.ndarray:
        scaled = (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + EPSILON)
        return scaled * weights[f"{name}.weight"] + weights[f"{name}.bias"]

    ids = [VOCABULARY.index(piece) for piece in ("[CLS]", *pieces, "[SEP]")]
    x = weights["embeddings.word_embeddings.weight"][ids] + weights["embeddings.token_type_embeddings.weight"][0]
    x = norm(x + weights["embeddings.position_embeddings.weight"][: len(ids)], "embeddings.LayerNorm")
    for layer in (f"encoder.layer.{number}" for number in range(LAYERS)):
        query, key, value = (dense(x, f"{layer}.attention.self.{part}") for part in ("query", "key", "value"))
        mixed = []
        for head in range(HEADS):
            part = slice(head * WIDTH // HEADS, (head + 1) * WIDTH // HEADS)
            scores = np.exp(query[:, part] @ key[:, part].T / math.sqrt(WIDTH / HEADS))
            mixed.append(scores / scores.sum(axis=1, keepdims=True) @ value[:, part])
        attended = dense(np.concatenate(mixed, axis=1), f"{layer}.attention.output.dense")
        x = norm(x + attended, f"{layer}.attention.output.LayerNorm")
        inner = dense(x, f"{layer}.intermediate.dense")
        inner = inner * np.vectorize(lambda z: (1 + math.erf(z / math.sqrt(2))) / 2)(inner)
        x = norm(x + dense(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
    pooled = x[0] if pooling == "cls" else x.mean(axis=0)
    return pooled / np.linalg.norm(pooled)
