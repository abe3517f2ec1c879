"""The check against a real server: models of texts and of pictures, and models that do not serve as they say."""

import io
import json
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tfx.types import artifact_utils, standard_artifacts

from components.parts import Kind, Modality
from components.serving_check import check as module
from components.serving_check.check import Arrays, ServingError, check_serving
from components.serving_check.component import REASON, ServingCheck
from components.train.export import Function, export
from serving.client import Protocol
from tests.components.corpus import picture, write_records
from tests.serving.stand_in import StandIn

TEXTS = [b"a fence", "许可证".encode(), b"a"]
PICTURES = [picture("wall", 1), picture("dot", 2, width=9)]


def length(raw: tf.Tensor) -> tf.Tensor:
    return tf.cast(tf.strings.length(raw), tf.float32)


def of_text(raw: tf.Tensor) -> dict[str, tf.Tensor]:
    size = length(raw)
    return {"vector": tf.stack([size, 2 * size], axis=1), "names": tf.strings.join([raw, "!"])}


def of_picture(raw: tf.Tensor) -> dict[str, tf.Tensor]:
    """The mean of each channel, which only a decoded picture has."""
    means = tf.map_fn(
        lambda one: tf.reduce_mean(tf.cast(tf.io.decode_png(one, channels=3), tf.float32), axis=[0, 1]),
        raw,
        fn_output_signature=tf.TensorSpec([3], tf.float32),
    )
    return {"vector": means}


def evaluate(examples: tf.Tensor) -> dict[str, tf.Tensor]:
    return {"rank": length(examples)}


def model(folder: Path, signatures: Mapping[str, tuple[Modality, Function]]) -> Path:
    """A Model artifact's folder."""
    export([tf.Module()], signatures, next(iter(signatures)), evaluate, str(folder / "Format-Serving"))
    return folder


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that reads pictures and texts."""
    signatures: dict[str, tuple[Modality, Function]] = {
        "question": ("image", of_picture),
        "answer": ("text", of_text),
    }
    return model(tmp_path_factory.mktemp("both") / "model", signatures)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, Arrays]]:
    """Every answer that the check compares: signature, protocol, what was served."""
    answers: list[tuple[str, str, Arrays]] = []
    compare = module._compare

    def noted(signature: str, protocol: str, served: Arrays, own: Arrays) -> None:
        answers.append((signature, protocol, served))
        compare(signature, protocol, served, own)

    monkeypatch.setattr(module, "_compare", noted)
    return answers


def test_texts_and_pictures_are_asked_by_grpc_and_rest(both: Path, asked: list[tuple[str, str, Arrays]]) -> None:
    names = check_serving(both / "Format-Serving", {"text": TEXTS, "image": PICTURES})
    assert names == ["answer", "question", "serving_default"]
    assert [(signature, protocol) for signature, protocol, _ in asked] == [
        (name, protocol) for name in names for protocol in ("gRPC", "REST")
    ]
    means = [np.asarray(Image.open(io.BytesIO(content))).mean(axis=(0, 1)) for content in PICTURES]
    for signature, protocol, served in asked:
        if signature == "answer":
            assert served["vector"].tolist() == [[7, 14], [9, 18], [1, 2]], protocol
        else:
            np.testing.assert_allclose(served["vector"], means, rtol=1e-5, err_msg=protocol)


def test_tf_servings_binary_is_asked_where_it_is_on_path(
    both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, asked: list[tuple[str, str, Arrays]]
) -> None:
    stand_in = StandIn(tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    check_serving(both / "Format-Serving", {"text": TEXTS, "image": PICTURES})
    assert len(stand_in.calls) == 1
    assert len(asked) == 6


def served_differently(monkeypatch: pytest.MonkeyPatch, protocol: Protocol, change: Callable[[Arrays], Arrays]) -> None:
    """Changes what a server would answer."""
    original = module._ask

    def changed(asked: Protocol, *arguments: Any) -> Arrays:
        served = original(asked, *arguments)
        return change(served) if asked == protocol else served

    monkeypatch.setattr(module, "_ask", changed)


def on_vector(change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], Arrays]:
    return lambda served: {name: change(values) if name == "vector" else values for name, values in served.items()}


@pytest.mark.parametrize(("protocol", "name"), [("grpc", "gRPC"), ("rest", "REST")])
def test_numbers_that_are_not_the_models_own_are_named(
    both: Path, monkeypatch: pytest.MonkeyPatch, protocol: Protocol, name: str
) -> None:
    served_differently(monkeypatch, protocol, on_vector(lambda vector: vector + 2e-3))
    with pytest.raises(ServingError, match=rf"^answer\.vector over {name} is 0.002 away from the model's own$"):
        check_serving(both / "Format-Serving", {"text": TEXTS, "image": PICTURES})


OWN = {"vector": np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), "names": np.array([b"a", b"b"], object)}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"vector": OWN["vector"] * [1, np.nan]}, "search.vector over REST is not finite"),
        ({"vector": OWN["vector"][:1]}, "search.vector over REST has shape (1, 2), the model's is (2, 2)"),
        ({"names": OWN["names"][:1]}, "search.names over REST has shape (1,), the model's is (2,)"),
        ({"vector": OWN["vector"] - [[0, 0], [0, 1]]}, "search.vector over REST is 1 away from the model's own"),
        (
            {"more": OWN["names"]},
            "signature search over REST returns ['more', 'names', 'vector'], the model ['names', 'vector']",
        ),
    ],
)
def test_what_is_served_otherwise_is_named(change: Arrays, reason: str) -> None:
    module._compare("search", "REST", dict(OWN), OWN)
    with pytest.raises(ServingError) as caught:
        module._compare("search", "REST", OWN | change, OWN)
    assert str(caught.value) == reason


class Untracked(tf.Module):
    """A Keras layer under a plain module: it loads eagerly, but in no TF 1 session, and so not in a server."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = keras.layers.Dense(2, name="untracked")
        self.layer.build((None, 1))

    @tf.function(input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    def answer(self, text: tf.Tensor) -> dict[str, tf.Tensor]:
        return {"vector": self.layer(length(text)[:, tf.newaxis])}


@pytest.mark.parametrize("protocol", ["gRPC", "REST"])
def test_a_model_that_loads_here_but_in_no_server_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, protocol: str
) -> None:
    untracked = Untracked()
    tf.saved_model.save(untracked, str(tmp_path / "model"), signatures={"answer": untracked.answer})
    monkeypatch.setattr(module, "PROTOCOLS", {protocol.lower(): protocol})
    with pytest.raises(ServingError, match=rf"^answer over {protocol} is answered by an error: .*untracked/kernel.*$"):
        check_serving(tmp_path / "model", {"text": TEXTS})


def step(folder: Path, uri: Path, parts: Mapping[str, Kind], rows: Sequence[Mapping[str, bytes]]) -> dict[str, object]:
    """Run the step on a test split; tells what the blessing says, and which file it left."""
    trained, examples = standard_artifacts.Model(), standard_artifacts.Examples()
    blessing = standard_artifacts.InfraBlessing()
    trained.uri, examples.uri, blessing.uri = str(uri), str(folder / "examples"), str(folder / "blessing")
    examples.split_names = artifact_utils.encode_split_names(["train", "test"])
    write_records(folder / "examples" / "Split-test", rows)
    ServingCheck.EXECUTOR_SPEC.executor_class().Do(
        {"model": [trained], "examples": [examples]},
        {"blessing": [blessing]},
        {"rows": 2, "parts": json.dumps(dict(parts))},
    )
    return {
        "blessed": blessing.get_int_custom_property("blessed"),
        "reason": blessing.get_string_custom_property(REASON),
        "files": [file.name for file in (folder / "blessing").iterdir()],
    }


ROWS = [
    {"id": b"1", "question": PICTURES[0], "answer": b"a wall"},
    {"id": b"2", "question": PICTURES[1], "answer": b"a dot"},
    {"id": b"3", "question": PICTURES[1], "answer": b"a third row"},
]
PARTS: dict[str, Kind] = {"question": "image", "answer": "text"}


def test_the_step_asks_with_rows_of_the_test_split(
    both: Path, tmp_path: Path, asked: list[tuple[str, str, Arrays]]
) -> None:
    assert step(tmp_path, both, PARTS, ROWS) == {"blessed": 1, "reason": "", "files": ["INFRA_BLESSED"]}
    lengths = [served["vector"][:, 0].tolist() for signature, _, served in asked if signature == "answer"]
    assert lengths == [[6, 5], [6, 5]]


def test_the_step_asks_no_signature_with_labels(tmp_path: Path, asked: list[tuple[str, str, Arrays]]) -> None:
    made = model(tmp_path / "model", {"classify": ("text", of_text)})
    rows = [{"text": b"brick", "label": b"wall"}, {"text": b"tile", "label": b"floor"}]
    assert step(tmp_path, made, {"text": "text", "label": "label"}, rows)["blessed"] == 1
    assert [served["vector"][:, 0].tolist() for _, _, served in asked] == [[5, 4]] * 4


def test_the_step_says_why_it_does_not_bless(both: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served_differently(monkeypatch, "rest", on_vector(lambda vector: vector * np.inf))
    assert step(tmp_path, both, PARTS, ROWS) == {
        "blessed": 0,
        "reason": "answer.vector over REST is not finite",
        "files": ["INFRA_NOT_BLESSED"],
    }
