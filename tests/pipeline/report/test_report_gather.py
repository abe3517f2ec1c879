import io
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from components.errors import UserError
from pipeline.config import ClassifyConfig, MatchConfig, PipelineConfig
from pipeline.lock import run_lock
from pipeline.report.gather import gather_page
from pipeline.report.page import Classified, Matched, Page
from pipeline.report.render import render
from pipeline.report.rows import answers_to, sample_rows, values_by_id
from pipeline.report.show import SIDE, shorten, show
from tests.pipeline.report.building import (
    HOSTILE,
    RANKED,
    ByLength,
    Ranks,
    facts,
    picture,
    run,
    stored_run,
    verdict,
    write_split,
)

TRAINING = {
    "inputs": {"text": "text"},
    "train": {},
    "seed": 1,
    "task": "classify",
    "model": {"encoder": {"type": "bag"}, "loss": {"type": "softmax"}},
    "parameters": 12,
    "best_epoch": 1,
    "history": {"accuracy": [0.5], "val_accuracy": [0.25]},
}


def classify_config(**data: Any) -> PipelineConfig:
    known = {"name": "news", "task": "classify", "output": "/out", "data": {"path": "news.csv"} | data}
    return ClassifyConfig.model_validate(known)


def match_config(**data: Any) -> PipelineConfig:
    known: dict[str, Any] = {"name": "faq", "output": "/out", "data": {"path": "faq.csv"} | data}
    if data.get("images"):
        types = {side: "cnn" if side in data["images"] else "bag" for side in ("question", "answer")}
        known["model"] = {f"{side}_encoder": {"type": name, "dimensions": 64} for side, name in types.items()}
    return MatchConfig.model_validate(known)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A classifier that takes the label of a hostile name for long texts, and its rows."""
    root = tmp_path_factory.mktemp("texts")
    ByLength("text", 10, HOSTILE, ["t1", "t2"]).save(root / "model" / "Format-Serving")
    write_split(
        root / "examples" / "Split-train",
        [
            {"id": "t0", "text": "unused", "label": "short"},
            {"id": "t1", "text": "near one", "label": "short"},
            {"id": "t2", "text": f"near two {HOSTILE}", "label": HOSTILE},
        ],
    )
    write_split(
        root / "examples" / "Split-test",
        [
            {"id": "e1", "text": "a text", "label": "short"},
            {"id": "e2", "text": f"a long text {HOSTILE}", "label": HOSTILE},
            {"id": "e3", "text": "a text of many words", "label": "short"},
            {"id": "e4", "text": "text", "label": HOSTILE},
        ],
    )
    return root


def classified(page: Page) -> Classified:
    assert page.sampled is not None
    assert isinstance(page.sampled.result, Classified)
    return page.sampled.result


def test_a_classifier_of_texts_is_asked_about_test_rows(texts: Path) -> None:
    page = gather_page(classify_config(), stored_run(texts, facts(training=TRAINING)), [])
    result = classified(page)
    assert result.confusion.labels == (HOSTILE, "short")
    assert result.confusion.counts.tolist() == [[1, 1], [1, 1]]
    assert result.calibration.ece == pytest.approx(0.25)  # 0.75 said, 0.5 right
    kinds = {group.title: [case.id for case in group.cases] for group in result.groups}
    assert list(kinds.values()) == [["e4"], ["e3"], ["e2"], ["e1"]]
    first = result.groups[0].cases[0]
    assert (first.wanted, first.predicted, first.confidence) == (HOSTILE, "short", 0.75)
    assert [(one.id, one.shown.text, one.label, one.same) for one in first.neighbors] == [
        ("t1", "near one", "short", False),
        ("t2", f"near two {HOSTILE}", HOSTILE, True),
    ]
    assert page.training is not None
    assert (page.training.parameters, page.training.encoders) == (12, {"text": "bag"})
    assert (page.outcome, page.tone) == ("refused by gate", "bad")
    html = render(page)
    assert "<script" not in html


def test_pictures_are_shown_small(tmp_path: Path) -> None:
    small = len(picture(9))
    ByLength("image", small + 1, "long", ["t1", "gone"]).save(tmp_path / "model" / "Format-Serving")
    write_split(tmp_path / "examples" / "Split-train", [{"id": "t1", "image": picture(9), "label": "short"}])
    test: list[dict[str, str | bytes]] = [
        {"id": f"e{row}", "image": picture(row), "label": "short"} for row in range(3)
    ]
    write_split(tmp_path / "examples" / "Split-test", test)
    page = gather_page(classify_config(format="images"), stored_run(tmp_path, facts()), [])
    (group,) = classified(page).groups
    case = group.cases[0]
    assert case.shown.picture.startswith("data:image/png;base64,")
    assert (case.shown.width, case.shown.height, case.shown.pixelated) == (8, 4, True)
    near, gone = case.neighbors
    assert near.shown.picture.startswith("data:image/png;base64,")
    assert (gone.shown.picture, gone.shown.text) == ("", "training row gone")
    assert "<img" in render(page)


@pytest.mark.parametrize("images", [(), ("question",), ("answer",), ("question", "answer")])
def test_questions_and_answers_may_be_texts_or_pictures(tmp_path: Path, images: tuple[str, ...]) -> None:
    def value(side: str, shade: int) -> str | bytes:
        return picture(shade) if side in images else f"{side} {shade}"

    shown = {key: key if "answer" in images else f"answer {shade}" for key, shade in (("k1", 1), ("k2", 2))}
    Ranks(list(shown.items())).save(tmp_path / "model" / "Format-Serving")
    train = [
        {"id": f"k{shade}", "question": value("question", 9), "answer": value("answer", shade)} for shade in (1, 2)
    ]
    write_split(tmp_path / "examples" / "Split-train", train)
    write_split(tmp_path / "examples" / "Split-validation", [])
    test = [
        {"id": "q1", "question": value("question", 10), "answer": value("answer", 1), "category": "1"},
        {"id": "q2", "question": value("question", 11), "answer": value("answer", 3), "category": "480"},
        {"id": "q3", "question": value("question", 12), "answer": value("answer", 2), "category": "2"},
        {"id": "q4", "question": value("question", 12), "answer": value("answer", 1), "category": "1"},
    ]
    write_split(tmp_path / "examples" / "Split-test", test)
    config = match_config(images=images)
    page = gather_page(config, stored_run(tmp_path, facts(verdict=verdict(RANKED))), [])
    assert page.sampled is not None
    result = page.sampled.result
    assert isinstance(result, Matched)
    assert [(one.id, one.rank) for one in result.worst] == [("q2", 480), ("q3", 2)]
    assert [one.rank for one in result.best] == [1]
    assert [(one.right, one.also_right) for one in result.worst[0].found] == [(False, False), (False, False)]
    assert [(one.right, one.also_right) for one in result.worst[1].found] == [(False, True), (True, False)]
    assert bool(result.worst[0].shown.picture) == ("question" in images)
    assert bool(result.worst[0].answer.picture) == ("answer" in images)
    assert all(bool(one.shown.picture) == ("answer" in images) for one in result.worst[0].found)
    assert [one.id for one in result.worst[0].found] == ["k1", "k2"]
    render(page)


def test_without_the_model_the_page_says_so_and_shows_the_rest(texts: Path, tmp_path: Path) -> None:
    shutil.copytree(texts / "examples", tmp_path / "examples")
    page = gather_page(classify_config(), stored_run(tmp_path, facts()), [])
    assert page.sampled is None
    assert (
        "The trained model of this run cannot be found any more, so the model was not asked for this report."
        in list(page.notices)
    )
    assert "Verdict" in render(page)


def test_a_run_that_failed_later_says_where_and_newer_ones_are_named(tmp_path: Path) -> None:
    known = facts(verdict=verdict(blessed=True), serves=None)
    newer = run(facts(verdict=None), failed_step="train")
    page = gather_page(classify_config(), stored_run(tmp_path, known, failed_step="serving_check"), [newer])
    assert (page.outcome, page.tone) == ("stopped in serving_check", "bad")
    assert "stopped in the step train; this is the last one that was judged." in page.notices[0]
    assert page.notices[1].startswith("The run stopped in the step serving_check;")


def test_a_run_that_goes_on_is_not_said_to_have_stopped(tmp_path: Path) -> None:
    config = classify_config().model_copy(update={"output": str(tmp_path)})
    newer = run(facts(verdict=None), failed_step="train")
    with run_lock(tmp_path):
        behind = gather_page(config, stored_run(tmp_path, facts()), [newer, newer])
        blessed = facts(verdict=verdict(blessed=True))
        itself = gather_page(config, stored_run(tmp_path, blessed, failed_step="push"), [])
    assert "is still going on; this is the last one" in behind.notices[0]
    assert "stopped in the step train" in behind.notices[1]
    assert itself.outcome == "still running"
    assert itself.notices[0] == "The run is still going on; what comes later is missing."


def test_what_the_trainer_would_be_told_otherwise_now_is_named(tmp_path: Path) -> None:
    config = classify_config()
    now = config.trainer_settings.model_dump(mode="json")
    page = gather_page(config, stored_run(tmp_path, facts(training=TRAINING | now)), [])
    assert not [notice for notice in page.notices if "changed" in notice]
    other = TRAINING | now | {"seed": 2}
    page = gather_page(config, stored_run(tmp_path, facts(training=other)), [])
    assert "The configuration has changed since this run: seed." in page.notices


def test_a_run_of_another_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="one of another task than match"):
        gather_page(match_config(), stored_run(tmp_path, facts()), [])


def test_a_sample_is_seeded_and_in_order(tmp_path: Path) -> None:
    write_split(tmp_path, [{"id": f"{row:04}", "text": "t", "label": "l"} for row in range(1_500)])
    rows, total = sample_rows(tmp_path, ("text", "label"), 40, seed=7)
    again, _ = sample_rows(tmp_path, ("text", "label"), 40, seed=7)
    other, _ = sample_rows(tmp_path, ("text", "label"), 40, seed=8)
    assert total == 1_500
    assert len({row.id for row in rows}) == 40
    assert rows == again != other
    assert [row.id for row in rows] == sorted(row.id for row in rows)
    assert max(int(row.id) for row in rows) > 1_024  # beyond the first batch
    assert len(sample_rows(tmp_path, ("text", "label"), 5_000, seed=7)[0]) == 1_500


def test_rows_are_found_by_id_and_answers_by_question(tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    write_split(one, [{"id": "a", "question": "q", "answer": "x"}, {"id": "b", "question": "r", "answer": "y"}])
    write_split(two, [{"id": "a", "question": "q", "answer": "z"}, {"id": "c", "question": "q", "answer": "w"}])
    assert values_by_id([one, two], "answer", [b"a", b"c", b"none"]) == {b"a": b"x", b"c": b"w"}
    assert answers_to([one, two], [b"q", b"none"]) == {b"q": {b"x", b"z", b"w"}, b"none": set()}


def test_texts_are_shortened_at_a_word() -> None:
    assert shorten("  a\n b  ") == "a b"
    assert shorten("one two three", 12) == "one two…"
    assert shorten("x" * 30, 10) == "x" * 9 + "…"
    assert show("naïve".encode(), "text").text == "naïve"
    assert show(b"\xff", "text").text == "\ufffd"


def test_large_pictures_become_thumbnails() -> None:
    file = io.BytesIO()
    Image.new("RGBA", (400, 200), (0, 0, 0, 0)).save(file, "PNG")
    shown = show(file.getvalue(), "image", "words")
    assert shown.picture.startswith("data:image/webp;base64,")
    assert (shown.width, shown.height, shown.text, shown.pixelated) == (SIDE, SIDE // 2, "words", False)
