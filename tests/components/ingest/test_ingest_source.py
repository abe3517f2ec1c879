"""Which files a `data.path` means."""

import sys
from pathlib import Path

import pytest

from components.ingest.errors import DataError
from components.ingest.settings import LabelData, PairData
from components.ingest.source import locate


def _touch(folder: Path, *names: str) -> None:
    for name in names:
        folder.joinpath(name).parent.mkdir(parents=True, exist_ok=True)
        folder.joinpath(name).write_text("x")


def test_a_file_is_found_relative_to_the_current_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "sub/faq.tsv", "sub/other.tsv")
    monkeypatch.chdir(tmp_path)
    source = locate(PairData(path="sub/faq.tsv"))
    assert source == (str(tmp_path / "sub"), "faq.tsv", "tsv")
    assert source.files == (str(tmp_path / "sub/faq.tsv"),)


def test_a_folder_is_all_its_files_of_the_one_format_it_holds(tmp_path: Path) -> None:
    _touch(tmp_path, "b.jsonl", "a.jsonl", "README.md", ".hidden.jsonl", "deeper/c.jsonl")
    source = locate(PairData(path=str(tmp_path)))
    assert (source.pattern, source.format) == ("*.jsonl", "jsonl")
    assert source.files == (str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl"))


def test_a_format_that_is_given_chooses_among_the_files_of_a_folder(tmp_path: Path) -> None:
    _touch(tmp_path, "a.csv", "b.tsv")
    assert locate(PairData(path=str(tmp_path), format="tsv")).files == (str(tmp_path / "b.tsv"),)


def test_a_glob_may_have_wildcards_in_folders_too(tmp_path: Path) -> None:
    _touch(tmp_path, "2024/faq-1.csv", "2025/faq-2.csv", "2025/other.csv", "old/faq-3.csv")
    source = locate(PairData(path=f"{tmp_path}/20*/faq-?.csv"))
    assert (source.base, source.pattern, source.format) == (str(tmp_path), "20*/faq-?.csv", "csv")
    assert source.files == (str(tmp_path / "2024/faq-1.csv"), str(tmp_path / "2025/faq-2.csv"))


def test_wildcard_characters_in_the_name_of_an_existing_file_are_taken_literally(tmp_path: Path) -> None:
    _touch(tmp_path, "da[t]a/faq[1].csv", "da[t]a/faq1.csv", "data/faq1.csv")
    source = locate(PairData(path=f"{tmp_path}/da[t]a/faq[1].csv"))
    assert source.files == (f"{tmp_path}/da[t]a/faq[1].csv",)


def test_the_ending_counts_in_any_case_and_a_given_format_counts_more(tmp_path: Path) -> None:
    _touch(tmp_path, "FAQ.CSV", "faq.txt")
    assert locate(PairData(path=str(tmp_path / "FAQ.CSV"))).format == "csv"
    assert locate(PairData(path=str(tmp_path / "faq.txt"), format="tsv")).format == "tsv"


def test_a_file_that_does_not_exist_yet_can_be_located_but_has_no_files(tmp_path: Path) -> None:
    source = locate(PairData(path=str(tmp_path / "later.csv")))
    assert source.pattern == "later.csv"
    assert source.files == ()


def test_a_package_is_found_without_being_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _touch(tmp_path, "carrier/data/faq.csv")
    (tmp_path / "carrier/__init__.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    assert locate(PairData(path="package:carrier/data/faq.csv")).files == (str(tmp_path / "carrier/data/faq.csv"),)
    assert locate(PairData(path="package:carrier/data")).pattern == "*.csv"
    assert "carrier" not in sys.modules


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("package:no_such_package/faq.csv", "no package no_such_package is installed here"),
        ("package:no_such_package.inner/faq.csv", "no package no_such_package.inner is installed here"),
        ("package:json", "must be package:IMPORT_NAME/path/inside"),
        ("package:/faq.csv", "must be package:IMPORT_NAME/path/inside"),
        ("s3://bucket/faq.csv", "only files of this machine are read"),
        (
            "faq.xlsx",
            "ends in 'faq.xlsx', which does not tell the format; set data.format to one of csv, tsv, jsonl, parq",
        ),
    ],
)
def test_a_path_that_cannot_be_resolved_is_refused_with_the_path(path: str, sentence: str) -> None:
    with pytest.raises(DataError) as caught:
        locate(PairData(path=path))
    assert sentence in str(caught.value)
    assert path.rpartition("/")[2] in str(caught.value)


def test_a_folder_of_two_formats_or_of_none_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"holds no file that ends in \.csv, \.tsv, .*; it holds no file at all\.$"):
        locate(PairData(path=str(tmp_path)))
    _touch(tmp_path, "notes.txt")
    with pytest.raises(DataError, match=r"it holds notes\.txt\.$"):
        locate(PairData(path=str(tmp_path)))
    _touch(tmp_path, "a.csv", "b.parquet")
    with pytest.raises(DataError, match=r"holds csv and parquet files; set data\.format to one\.$"):
        locate(PairData(path=str(tmp_path)))


def test_what_a_desktop_leaves_in_a_folder_of_classes_is_no_picture(tmp_path: Path) -> None:
    _touch(tmp_path / "cat", "a.png", "Thumbs.db", "desktop.ini", ".DS_Store")
    source = locate(LabelData(path=str(tmp_path), format="images"))
    assert source.files == (str(tmp_path / "cat" / "a.png"),)
