from collections.abc import Callable
from pathlib import Path

import pytest

from components.train.rows import count, read_batches, read_rows, size

type Row = tuple[str, str, str, str]


@pytest.fixture
def files(rows: list[Row], write_examples: Callable[..., list[str]], tmp_path: Path) -> list[str]:
    """The corpus in two files, seven rows and three."""
    return [*write_examples(tmp_path / "one", rows[:7]), *write_examples(tmp_path / "two", rows[7:])]


def test_rows_are_read_from_every_file(files: list[str], rows: list[Row]) -> None:
    expected = [tuple(value.encode() for value in row[:3]) for row in rows]
    assert list(read_rows(files, ("id", "question", "answer"))) == expected
    assert list(read_rows(files[1:], ("answer", "id"))) == [(row[2], row[0]) for row in expected[7:]]


@pytest.mark.parametrize(("batch", "sizes"), [(4, [4, 4, 2]), (10, [10]), (100, [10])])
def test_batches_are_of_the_size_that_is_asked_for(files: list[str], batch: int, sizes: list[int]) -> None:
    assert [len(ids) for ids, _ in read_batches(files, ("id", "category"), batch)] == sizes


def test_count_and_size(files: list[str]) -> None:
    assert count(files) == 10
    assert count(files[1:]) == 3
    assert size(files) == sum(Path(file).stat().st_size for pattern in files for file in Path(pattern[:-1]).iterdir())
    assert size(files) > size(files[1:]) > 0
