"""The table of keys: what it lists, and that nothing is listed twice."""

from collections import Counter

import pytest

from pipeline.config_table import HEADER, config_table


@pytest.fixture(scope="module")
def rows() -> dict[str, list[str]]:
    """Value, default and text by key, with what stands beside the key."""
    table = config_table()
    assert table.startswith(HEADER)
    cells = [line.strip("| ").split(" | ") for line in table.splitlines()[2:]]
    assert {len(row) for row in cells} <= {3, 4}  # an empty last cell is stripped
    return {f"{row[0]} {row[1]}" if ".type`" in row[0] else row[0]: row[1:] for row in cells}


def test_no_row_is_there_twice() -> None:
    keys = Counter(line for line in config_table().splitlines())
    assert keys.most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    ("key", "start"),
    [
        ("`name`", ["text", "required"]),
        ("`task` (match)", ["`match`", "`match`"]),
        ("`task` (classify)", ["`classify`", "required"]),
        ("`seed`", ["whole number", "`1`"]),
        ("`data.columns.id`", ["text", ""]),
        ("`data.columns.question` (match)", ["text", "`question`"]),
        ("`data.columns.label` (classify)", ["text", "`label`"]),
        ("`data.images` (match)", ["list of `question`, `answer`", "`[]`"]),
        ("`model.encoder.dimensions` (bag)", ["whole number", "`1024`"]),
        ("`model.encoder.size` (cnn, lenet)", ["list of whole number", "`[64, 64]`"]),
        ("`model.encoder.augmentation.flip` (cnn, lenet, pretrained_image)", ["true or false", "`False`"]),
        ("`model.question_encoder` (match)", ["as `model.encoder`", ""]),
        ("`model.loss` (match)", ["by `type`", "`multiple_negatives_ranking`"]),
        ("`model.loss` (classify)", ["by `type`", "`softmax`"]),
        ("`model.loss.margin` (cosine_triplet)", ["number or `soft`", "`0.1`"]),
        ("`model.loss.margin` (arcface)", ["number", "`0.5`"]),
        ("`gates` (classify)", ["by metric", "`{'accuracy': {'max_drop': 0.01}}`"]),
        ("`gates.METRIC.max_rise`", ["number", ""]),
        ("`candidates` (match)", ["whole number", "`10`"]),
        ("`neighbors` (classify)", ["whole number", "`5`"]),
    ],
)
def test_a_row_says_whose_it_is_what_it_takes_and_what_it_is_by_default(
    rows: dict[str, list[str]], key: str, start: list[str]
) -> None:
    assert rows[key][: len(start)] == start


@pytest.mark.parametrize(
    "types",
    [
        {"bag", "embedding_bag", "lstm", "cnn", "lenet"},
        {"cosine_triplet", "multiple_negatives_ranking", "softmax", "center", "supervised_contrastive", "arcface"},
    ],
)
def test_every_choice_has_a_row(rows: dict[str, list[str]], types: set[str]) -> None:
    found = [value for key, (value, *_) in rows.items() if ".type`" in key]
    assert types <= {value.strip("`") for value in found}


def test_a_union_that_is_there_again_is_not_listed_again(rows: dict[str, list[str]]) -> None:
    assert not [key for key in rows if key.startswith(("`model.question_encoder.", "`model.answer_encoder."))]
