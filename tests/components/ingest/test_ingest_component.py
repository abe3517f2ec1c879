"""The component: what TFX's driver and cache see of it."""

import os
from pathlib import Path

import pytest
from tfx.components.example_gen.driver import FileBasedDriver
from tfx.orchestration.data_types import RuntimeParameter
from tfx.orchestration.portable import data_types
from tfx.types import standard_artifacts

from components.ingest.component import example_gen, example_gen_elsewhere, settle
from components.ingest.errors import DataError
from components.ingest.job import Job, unpack
from components.ingest.settings import LabelData, PairData
from tests.components.ingest.drawn import picture, write


def seen_by_driver(data: PairData | LabelData) -> str:
    """What TFX's driver makes of the component's input, without its cache."""
    properties = example_gen(data, rejects_path=None).exec_properties
    info = data_types.ExecutionInfo(
        exec_properties={name: value for name, value in properties.items() if value is not None},
        output_dict={"examples": [standard_artifacts.Examples()]},
    )
    return FileBasedDriver(None).run(info).exec_properties["input_fingerprint"].string_value


def job_of(data: PairData | LabelData) -> Job:
    return unpack(example_gen(data, rejects_path="/somewhere/rejected.csv").exec_properties["custom_config"])


def test_the_job_survives_the_way_to_the_executor(tmp_path: Path) -> None:
    data = PairData.model_validate(
        {
            "path": str(tmp_path / "å.jsonl"),
            "max_bad_fraction": 0.25,
            "columns": {"id": "n°"},
            "splits": {"train": 3},
            "images": ["answer"],
        }
    )
    job = job_of(data)
    assert job == Job(
        settings=data,
        format="jsonl",
        pattern="å.jsonl",
        rejects_path="/somewhere/rejected.csv",
        fingerprint=job.fingerprint,
    )


@pytest.mark.parametrize("format_", ["images", "texts"])
def test_the_job_knows_pairs_from_labels(tmp_path: Path, format_: str) -> None:
    data = LabelData.model_validate({"path": str(tmp_path), "format": format_})
    job = job_of(data)
    assert job.settings == data
    assert type(job.settings) is LabelData
    assert (job.format, job.pattern) == (format_, "*/*")


def test_a_picture_that_goes_to_another_class_changes_the_cache_key(tmp_path: Path) -> None:
    for name in ("ko/1.png", "katt/2.png"):
        write(tmp_path / name, picture(1))
    data = LabelData(path=str(tmp_path), format="images")
    before = job_of(data).fingerprint, seen_by_driver(data)
    (tmp_path / "ko/1.png").rename(tmp_path / "katt/1.png")
    assert seen_by_driver(data) == before[1]
    assert job_of(data).fingerprint != before[0]


@pytest.mark.parametrize("name", [b"b\xe5d.png", b"b\xe5d/folder in a class"])
def test_the_driver_does_not_stop_at_names_that_are_not_utf8(tmp_path: Path, name: bytes) -> None:
    write(tmp_path / "ko/1.png", picture(1))
    data = LabelData(path=str(tmp_path), format="images")
    before = job_of(data).fingerprint
    write(tmp_path / "ko" / os.fsdecode(name), picture(2))
    assert seen_by_driver(data).startswith("split:all,num_files:1,")
    assert (job_of(data).fingerprint != before) == name.endswith(b".png")


def test_a_change_of_settings_changes_the_cache_key(tmp_path: Path) -> None:
    settings = PairData(path=str(tmp_path / "faq.csv"))
    shorter = settings.model_copy(update={"max_text_length": 99})
    keys = {
        str(sorted(example_gen(data, rejects_path=None).exec_properties.items()))
        for data in (settings, shorter, settings.model_copy())
    }
    assert len(keys) == 2


def test_the_driver_takes_the_fingerprint_of_the_files_meant_and_of_no_others(tmp_path: Path) -> None:
    folder = tmp_path / "da[t]a"
    folder.mkdir()
    for name in ("faq[1].csv", "faq1.csv", "b.csv"):
        (folder / name).write_text("question,answer\na,b\n")
    one, all_ = PairData(path=f"{folder}/faq[1].csv"), PairData(path=str(folder))
    before = seen_by_driver(one), seen_by_driver(all_)
    assert before[0].startswith("split:all,num_files:1,total_bytes:20,")
    assert before[1].startswith("split:all,num_files:3,total_bytes:60,")
    os.utime(folder / "b.csv", (1, 1))
    assert seen_by_driver(one) == before[0]
    assert seen_by_driver(all_) != before[1]


def test_a_path_that_cannot_be_resolved_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not tell the format"):
        example_gen(PairData(path=str(tmp_path / "faq.xlsx")), rejects_path=None)


@pytest.mark.parametrize(
    "data",
    [
        PairData.model_validate({"path": "/on/another/machine.csv", "splits": {"test": 4}, "images": ["answer"]}),
        LabelData.model_validate({"path": "/on/another/machine", "format": "texts"}),
    ],
)
def test_a_step_elsewhere_settles_where_its_data_is(tmp_path: Path, data: PairData | LabelData) -> None:
    parameter = RuntimeParameter(name="data_path", ptype=str, default=data.path)
    given = example_gen_elsewhere(data, parameter).exec_properties
    assert given["input_base"] is parameter
    for name in ("here.csv", "one/1.txt"):
        write(tmp_path / name, b"question,answer\nWhen?,Now.\n")
    path = tmp_path if isinstance(data, LabelData) else tmp_path / "here.csv"
    settled = settle(given | {"input_base": str(path)})
    here = example_gen(data.model_copy(update={"path": str(path)}), rejects_path=None).exec_properties
    assert settled == here
    assert type(unpack(settled["custom_config"]).settings) is type(data)


def test_a_step_elsewhere_says_when_its_data_is_not_there(tmp_path: Path) -> None:
    data = PairData(path="/on/another/machine.csv")
    given = example_gen_elsewhere(data, RuntimeParameter(name="data_path", ptype=str)).exec_properties
    with pytest.raises(DataError, match=f"There is no file {tmp_path}/nope.csv"):
        settle(given | {"input_base": f"{tmp_path}/nope.csv"})


def test_pictures_keep_their_place_beside_a_table_that_moved(tmp_path: Path) -> None:
    data = PairData.model_validate({"path": "/a/b/rows.csv", "image_folder": "/a/pictures", "images": ["question"]})
    given = example_gen_elsewhere(data, RuntimeParameter(name="data_path", ptype=str)).exec_properties
    write(tmp_path / "new" / "rows.csv", b"question,answer\n1.png,one\n")
    write(tmp_path / "pictures" / "1.png", picture(1))
    settled = settle(given | {"input_base": str(tmp_path / "new" / "rows.csv")})
    assert unpack(settled["custom_config"]).settings.image_folder == str(tmp_path / "pictures")
