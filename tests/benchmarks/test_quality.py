import json
import math
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from rich.console import Console

from benchmarks import contenders
from benchmarks.contenders import ROWS, Bm25, Contender, Outcome, Tfidf, Trained, trained
from benchmarks.held_out import HeldOut, hold_out
from benchmarks.pair_sets import Pair
from benchmarks.quality import Cell, Results, cells_of, run, run_missing
from benchmarks.quality_chart import quality_chart
from components.evaluate.tfidf import TfidfIndex

TOPICS = [
    f"{color} {thing}" for color in ("red", "green", "blue", "black") for thing in ("house", "fence", "roof", "sign")
]
PAIRS = [Pair(f"May I have a {topic}?", f"A {topic} needs permit {number}.") for number, topic in enumerate(TOPICS)]
PAIRS.append(Pair(PAIRS[0].question, "Ask the neighbours."))
QUICK = {"epochs": 1, "steps_per_epoch": 1, "batch_size": 4}
SMALL_BAG = {"encoder": {"type": "bag", "dimensions": 256, "buckets": 1024}}


class Recorder(Contender):
    """Answers nothing right, and knows what it was asked."""

    def __init__(self, *, seeded: bool = True, **settings: Any) -> None:
        self.seeded = seeded
        self.settings = settings
        self.asked: list[tuple[int, tuple[str, ...]]] = []

    def run(self, data: HeldOut, seed: int) -> Outcome:
        self.asked.append((seed, tuple(data.questions)))
        return Outcome(np.zeros(data.right.shape), 1.5, math.nan, 2.0)


def go(rows: dict[str, Contender], file: Path, splits: int = 2, seeds: int = 2) -> Results:
    results = Results(file, {name: contender.settings for name, contender in rows.items()})
    run_missing(PAIRS, list(cells_of("toy", rows, splits, seeds)), rows, results, Console(quiet=True))
    return results


def test_all_rows_and_seeds_are_asked_the_same(tmp_path: Path) -> None:
    one, other, unseeded = Recorder(), Recorder(), Recorder(seeded=False)
    go({"one": one, "other": other, "unseeded": unseeded}, tmp_path / "results.json")
    assert one.asked == other.asked
    assert [seed for seed, _ in one.asked] == [0, 1, 0, 1]
    assert one.asked[0][1] == one.asked[1][1] != one.asked[2][1]
    assert unseeded.asked == [one.asked[0], one.asked[2]], "once a split"


def test_what_the_file_has_is_not_run_again(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    first = go({"a": Recorder()}, file, splits=1)
    again, new = Recorder(), Recorder()
    second = go({"a": again, "b": new}, file, splits=2)
    assert [seed for seed, _ in again.asked] == [0, 1], "of the second split alone"
    assert len(new.asked) == 4
    cell = Cell("toy", "a", 0, 1)
    known = second.get(cell)
    assert known is not None
    assert known == pytest.approx(first.get(cell), nan_ok=True)
    assert math.isnan(known["rows/s"])
    assert len(json.loads(file.read_text())) == 8


def test_a_row_with_other_settings_is_run_again(tmp_path: Path) -> None:
    go({"a": Recorder(rate=1)}, tmp_path / "results.json")
    same, changed = Recorder(rate=1), Recorder(rate=2)
    go({"a": same}, tmp_path / "results.json")
    go({"a": changed}, tmp_path / "results.json")
    assert (len(same.asked), len(changed.asked)) == (0, 4)


def test_a_stopped_run_has_kept_what_was_done(tmp_path: Path) -> None:
    class Stopped(Recorder):
        def run(self, data: HeldOut, seed: int) -> Outcome:
            if len(self.asked) == 2:
                raise KeyboardInterrupt
            return super().run(data, seed)

    with pytest.raises(KeyboardInterrupt):
        go({"a": Stopped()}, tmp_path / "results.json")
    rest = Recorder()
    go({"a": rest}, tmp_path / "results.json")
    assert len(rest.asked) == 2


def test_settings_of_all_rows_stay_the_same_in_json() -> None:
    for contender in ROWS.values():
        assert json.loads(json.dumps(contender.settings)) == contender.settings


def test_pretrained_rows_alone_cut_texts_where_they_are_told() -> None:
    cut = contenders.all_rows(64)
    assert list(cut) == list(ROWS)
    for name, contender in ROWS.items():
        expected = json.loads(json.dumps(contender.settings))
        if name in ("untouched", "fine-tuned", "fused"):
            expected["model"]["encoder"]["max_tokens"] = 64
        assert cut[name].settings == expected


@pytest.mark.parametrize("contender", [Tfidf(), Bm25()])
def test_words_find_answers(contender: Contender, tmp_path: Path) -> None:
    found = run(contender, hold_out(PAIRS, 0, tmp_path), 0)
    assert found["recall@1"] == 1
    assert found["MB"] > 0


def test_words_that_no_answer_has_find_none(tmp_path: Path) -> None:
    pairs = [Pair(f"x{number}", f"y{number}") for number in range(10)]
    pairs[0] = Pair("?", "y0")
    for contender in (Tfidf(), Bm25()):
        outcome = contender.run(hold_out(pairs, 0, tmp_path), 0)
        assert not outcome.scores.any()


def test_a_model_is_scored_as_it_is_served(tmp_path: Path) -> None:
    data = hold_out(PAIRS, 0, tmp_path)
    outcome = trained(model=SMALL_BAG, train=QUICK).run(data, 1)
    assert outcome.scores.shape == data.right.shape
    assert np.abs(outcome.scores).max() <= 1 + 1e-5
    own = np.corrcoef(outcome.scores.ravel(), TfidfIndex(data.library).scores(data.questions).ravel())[0, 1]
    assert own > 0.7, "a bag starts as TF-IDF, so scores in another order than the library's would show"
    assert outcome.seconds > 0
    assert outcome.rows_per_second > 0
    assert 0.01 < outcome.megabytes < 10


def test_the_seed_is_the_models(tmp_path: Path) -> None:
    data = hold_out(PAIRS, 0, tmp_path)
    model = {"encoder": {"type": "lstm", "embedding": 4, "units": 3}, "loss": {"type": "cosine_triplet"}}
    scores = [
        Trained({"name": "x", "data": {"path": "-"}, "model": model, "train": QUICK}).run(data, seed).scores
        for seed in (1, 1, 2)
    ]
    np.testing.assert_allclose(scores[0], scores[1], atol=1e-6)
    assert np.abs(scores[0] - scores[2]).max() > 1e-3


def test_chart() -> None:
    results = {
        "faq": {"A": [{"recall@1": 0.25}, {"recall@1": 0.75}], "C": [{"recall@1": 0.1}]},
        "talk": {"C": [{"recall@1": 0.2}]},
    }
    root = ElementTree.fromstring(str(quality_chart(results, ["A", "B", "C"])))  # noqa: S314
    svg = "{http://www.w3.org/2000/svg}"
    assert root.tag == f"{svg}svg"
    groups = list(root.iter(f"{svg}g"))
    assert [group.findtext(f"{svg}title") for group in groups] == [
        "faq, A: recall@1 0.500 ± 0.250",
        "faq, C: recall@1 0.100 ± 0.000",
        "talk, C: recall@1 0.200 ± 0.000",
    ]
    bars = [group.find(f"{svg}rect") for group in groups]
    heights = [float(bar.get("height", "")) for bar in bars if bar is not None]
    assert heights[0] == pytest.approx(5 * heights[1], abs=0.1)
    assert heights[2] == pytest.approx(2 * heights[1], abs=0.1)
    assert [bar.get("class") for bar in bars if bar is not None] == ["c0", "c2", "c2"], "a row keeps its colour"
    legend = [text.text for text in root.iter(f"{svg}text") if text.get("class") == "legend"]
    assert legend == ["A", "C"]


def test_encoding_is_timed_in_full_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contenders, "SECONDS", 0.01)
    texts = [f"text {number}" for number in range(40)]
    batches: list[tuple[str, ...]] = []
    assert contenders.encoding_rate(lambda batch: batches.append(tuple(batch)), texts) > 0
    assert {len(batch) for batch in batches} == {contenders.BATCH}
    assert [*batches[0], *batches[1]] == [*texts, *texts[:24]]
