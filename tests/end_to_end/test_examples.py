"""The examples of `classify` and of pictures, from their loaders to answers by REST and gRPC."""

import base64
import json
import re
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from serving.client import Client
from serving.process import ModelServer
from tests.end_to_end.command_line import Run, anchorline, versions

pytestmark = pytest.mark.end_to_end


class Example:
    """One example's run in a folder of its own, and a server of what it pushed."""

    def __init__(self, name: str, folder: Path, **overrides: object) -> None:
        self.name = name
        self.folder = folder
        changes = {"output": folder / "out", **overrides}
        self.options = [part for key, value in changes.items() for part in ("--set", f"{key}={value}")]
        self.run = self.command("run")
        assert self.run.returncode == 0, self.run.stdout + self.run.stderr
        self.server = ModelServer({name: str(folder / "out" / "serving" / name)})

    def command(self, verb: str, *arguments: str | Path) -> Run:
        return anchorline(verb, Path("examples") / f"{self.name}.yaml", *arguments, *self.options)

    def rest(self, instances: list[Any], signature: str = "serving_default") -> list[Any]:
        body = json.dumps({"signature_name": signature, "instances": instances}).encode()
        url = f"http://127.0.0.1:{self.server.rest_port}/v1/models/{self.name}:predict"
        with urllib.request.urlopen(urllib.request.Request(url, body)) as response:
            return json.load(response)["predictions"]

    def grpc(self, key: str, rows: list[Any], signature: str = "serving_default") -> dict[str, np.ndarray]:
        with Client("127.0.0.1", self.server.grpc_port) as client:
            return client.predict(self.name, {key: rows}, signature=signature)


def served(example: Example) -> Iterator[Example]:
    with example.server:
        yield example


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    folder = tmp_path_factory.mktemp("digits")
    yield from served(Example("digits", folder, **{"data.path": folder / "digits"}))


@pytest.fixture(scope="module")
def news(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    yield from served(Example("news", tmp_path_factory.mktemp("news")))


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    folder = tmp_path_factory.mktemp("names")
    overrides = {"data.path": folder / "digit-names", "train.epochs": 2}
    yield from served(Example("digit-names", folder, **overrides))


def pictures(example: Example, digit: int, count: int = 5) -> list[Path]:
    return sorted((example.folder / "digits" / str(digit)).iterdir())[:count]


def b64(file: Path) -> dict[str, str]:
    return {"b64": base64.b64encode(file.read_bytes()).decode()}


def test_digits_are_pushed_beside_their_reference(digits: Example) -> None:
    assert "1797 rows kept, 0 set aside" in digits.run.stdout
    assert "5-NN on pixels" in digits.run.stdout
    (version,) = versions(digits.folder / "out" / "serving" / "digits")
    assert f"pushed as version {version}" in digits.run.stdout


def test_training_shows_accuracy_cross_entropy_and_centre_distance_by_name(digits: Example) -> None:
    epoch = r"accuracy: [\d.]+ - center: [\d.]+ - cross_entropy: [\d.]+ - loss: [\d.]+ - val_accuracy: [\d.]+"
    assert re.search(epoch, digits.run.stdout)
    assert digits.run.stderr == ""


def test_a_picture_is_classified_by_rest_and_by_grpc(digits: Example) -> None:
    files = pictures(digits, 7)
    by_rest = [answer["labels"][0] for answer in digits.rest([{"image_bytes": b64(file)} for file in files])]
    by_grpc = digits.grpc("image_bytes", [file.read_bytes() for file in files])
    assert Counter(by_rest).most_common(1)[0][0] == "7"
    assert by_grpc["labels"][:, 0].tolist() == [label.encode() for label in by_rest]
    assert by_grpc["probabilities"].shape == (5, 10)
    np.testing.assert_allclose(by_grpc["probabilities"].sum(axis=1), 1, rtol=1e-5)
    assert (np.diff(by_grpc["probabilities"], axis=1) <= 0).all()


def test_features_and_neighbours_of_a_picture(digits: Example) -> None:
    (file,) = pictures(digits, 4, 1)
    (features,) = digits.rest([{"image_bytes": b64(file)}], "image_features")
    assert np.asarray(features).shape == (64,)
    (neighbors,) = digits.rest([{"image_bytes": b64(file)}], "neighbors")
    assert neighbors["ids"][0].startswith("4/")
    assert Counter(neighbors["labels"]).most_common(1)[0][0] == "4"
    assert neighbors["scores"] == sorted(neighbors["scores"], reverse=True)


def test_commands_of_a_classifier(digits: Example) -> None:
    (file,) = pictures(digits, 0, 1)
    said = digits.command("classify", file, "--top", "2")
    assert said.returncode == 0, said.stderr
    assert re.search(r"^[01]\.\d{3}  0$", said.stdout, re.MULTILINE)
    near = digits.command("similar", file)
    assert near.returncode == 0, near.stderr
    assert re.search(r"^0, [345] of 5$", near.stdout, re.MULTILINE)
    asked = digits.command("ask", file)
    assert asked.returncode == 1
    assert "is a classify pipeline and answers no questions; use classify or similar" in asked.stderr


def test_the_report_is_one_file_with_pictures(digits: Example) -> None:
    reported = digits.command("report")
    assert reported.returncode == 0, reported.stderr
    page = (digits.folder / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") > 20
    for heading in ("Verdict", "Training", "Calibration", "Confusion", "Map of vectors", "Nearest neighbours"):
        assert f">{heading}</h2>" in page
    assert not re.search(r"""(?:src|href)=["']https?:""", page)


def test_what_is_no_picture_is_refused_with_a_sentence(digits: Example) -> None:
    refused = digits.command("classify", "setup.py")
    assert refused.returncode == 1
    assert "not a picture" in refused.stderr
    assert "\n" not in refused.stderr.strip()


def test_an_unchanged_second_run_pushes_nothing(digits: Example) -> None:
    again = digits.command("run")
    assert again.returncode == 0, again.stderr
    (trained,) = [line for line in again.stdout.splitlines() if line.startswith("train ")]
    assert "from the cache" in trained
    assert "is this very model; nothing to push" in again.stdout


def test_news_beat_naive_bayes_or_come_near(news: Example) -> None:
    rows = [line.split() for line in news.run.stdout.splitlines()]
    ours, reference = next(map(float, row[1:3]) for row in rows if row and row[0] == "accuracy")
    assert ours > reference - 0.03
    assert "1 set aside" in news.run.stdout  # one file is not UTF-8
    assert "not UTF-8" in (news.folder / "out" / "rejected.csv").read_text()


def test_a_text_is_classified_by_rest_and_by_grpc(news: Example) -> None:
    text = "The striker scored twice before half time, and the coach praised the whole team after the match."
    (answer,) = news.rest([text])
    assert answer["labels"][0] == "sports"
    assert len(answer["labels"]) == 5
    assert news.grpc("text", [text])["labels"][0, 0] == b"sports"
    assert news.grpc("text", [text], "text_features")["vector"].shape == (1, 64)
    assert news.grpc("text", [text], "neighbors")["ids"][0, 0].startswith(b"sports/")


def test_a_picture_finds_its_names_in_three_languages(names: Example) -> None:
    picture = names.folder / "digit-names" / "pictures" / "0007.png"
    asked = names.command("ask", picture)
    assert asked.returncode == 0, asked.stderr
    found = {line.split()[2] for line in asked.stdout.splitlines() if re.match(r"\d\.", line)}
    assert found == {"seven", "sieben", "siete"}
    (answer,) = names.rest([{"image_bytes": b64(picture)}])
    assert set(answer["candidates"][:3]) == found
    vector = names.grpc("text", ["sieben"], "answer")["vector"]
    np.testing.assert_allclose(np.linalg.norm(vector), 1, rtol=1e-5)


def test_the_report_of_questions_that_are_pictures(names: Example) -> None:
    reported = names.command("report")
    assert reported.returncode == 0, reported.stderr
    page = (names.folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "sieben" in page
    assert "data:image/png;base64," in page
