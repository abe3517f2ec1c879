from pathlib import Path

import pytest

from components.errors import UserError
from pipeline.config import load_config
from pipeline.tuned_file import check_writable, default_file, write_tuned

TEXT = """\
# ours
name: faq
data: {path: data/*.csv, loader: load.py}  # many
schema_path: schema.pbtxt
train: {epochs: 3}
tune: {ranges: {train.epochs: [3, 4]}}
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    file = tmp_path / "configs" / "faq.yaml"
    file.parent.mkdir()
    file.write_text(TEXT, encoding="utf-8")
    return file


def test_it_lies_beside_the_config_by_default(tmp_path: Path) -> None:
    assert default_file(tmp_path / "faq.yaml") == tmp_path / "faq-tuned.yaml"
    assert default_file(Path("faq.yml")) == Path("faq-tuned.yml")
    assert default_file(Path("faq")) == Path("faq-tuned.yaml")


def test_overrides_and_best_values_are_put_in(source: Path) -> None:
    overrides = ["train.batch_size=8", "train.epochs=9", "model.encoder={type: lstm, units: 8}"]
    file = default_file(source)
    write_tuned(file, load_config(source, overrides), source, overrides, {"train.epochs": 4, "model.encoder.units": 16})
    text = file.read_text(encoding="utf-8")
    assert text.startswith("# ours\nname: faq\ndata: {path: data/*.csv, loader: load.py}  # many\nschema_path")
    tuned, base = load_config(file), load_config(source)
    assert (tuned.train.epochs, tuned.train.batch_size) == (4, 8)
    assert tuned.model.encoder is not None
    assert tuned.model.encoder.vector_size == 16
    assert (tuned.data, tuned.output, tuned.schema_path) == (base.data, base.output, base.schema_path)


@pytest.mark.parametrize("folder", ["elsewhere", "configs/deeper", "."])
def test_relative_paths_hold_in_another_folder(source: Path, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    root = source.parents[1]
    (root / folder).mkdir(exist_ok=True)
    monkeypatch.chdir(root / folder)
    config = load_config(source)
    write_tuned(Path("best.yaml"), config, source, (), {"train.epochs": 4})
    tuned = load_config("best.yaml")
    for key in ("path", "loader"):
        assert Path(getattr(tuned.data, key)).resolve() == Path(getattr(config.data, key))
    assert Path(str(tuned.schema_path)).resolve() == Path(str(config.schema_path))
    assert tuned.output_folder == config.output_folder
    assert str(root) not in Path("best.yaml").read_text(encoding="utf-8")


def test_paths_that_hold_anyhow_stay(tmp_path: Path, source: Path) -> None:
    source.write_text("name: faq\ndata: {path: package:a/b.csv}\noutput: /srv/x\n", encoding="utf-8")
    write_tuned(tmp_path / "best.yaml", load_config(source), source, (), {})
    tuned = load_config(tmp_path / "best.yaml")
    assert (tuned.data.path, str(tuned.output_folder)) == ("package:a/b.csv", "/srv/x")


def test_a_folder_that_is_not_there_is_named_before_anything_starts(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no/best\.yaml: the folder .*no is not there \(--output\)"):
        check_writable(tmp_path / "no" / "best.yaml")
    with pytest.raises(UserError, match="cannot be written"):
        check_writable(tmp_path)
