"""The section `beam`: what it becomes on the command line, and what it refuses."""

import re
from typing import Any

import pytest
from pydantic import ValidationError

from pipeline.beam_settings import BeamSettings

NO_PACKAGE = "--sdk_container_image=none"


def test_by_default_jobs_run_in_the_process_of_their_step() -> None:
    runner = "--runner=apache_beam.runners.portability.fn_api_runner.FnApiRunner"
    assert BeamSettings().args == [runner, NO_PACKAGE]


def test_options_become_flags() -> None:
    options = {
        "flink_master": "flink:8081",
        "environment_type": "EXTERNAL",
        "parallelism": 8,
        "flink_submit_uber_jar": True,
        "experiments": ["one", "two=3"],
    }
    assert BeamSettings.model_validate({"runner": "flink", "options": options}).args == [
        "--runner=FlinkRunner",
        "--flink_master=flink:8081",
        "--environment_type=EXTERNAL",
        "--parallelism=8",
        "--flink_submit_uber_jar",
        "--experiments=one",
        "--experiments=two=3",
        NO_PACKAGE,
    ]


def test_who_names_the_image_of_the_workers_keeps_it() -> None:
    options = {
        "spark_master_url": "spark://s:7077",
        "environment_type": "DOCKER",
        "sdk_container_image": "registry/a:1",
    }
    args = BeamSettings.model_validate({"runner": "spark", "options": options}).args
    assert [arg for arg in args if "container" in arg] == ["--sdk_container_image=registry/a:1"]


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"runner": "flink"}, "the runner flink needs the options flink_master, environment_type"),
        ({"runner": "spark", "options": {"spark_master_url": "local"}}, "needs the options environment_type,"),
        ({"runner": "dataflow", "options": {"project": "p"}}, "region, temp_location, sdk_container_image"),
        ({"runner": "portable"}, "job_endpoint, environment_type"),
        ({"options": {"flink_master": "x"}}, "flink_master is an option of the runner flink, but the runner is direct"),
        (
            {"runner": "flink", "options": {"flink_master": "x", "environment_type": "DOCKER"}},
            "needs the workers' image as sdk_container_image",
        ),
        ({"options": {"direct_num_workers": 2}}, "direct_running_mode is in_memory, which has one worker"),
        ({"options": {"direct_running_mode": "threads"}}, "allowed are in_memory, multi_threading, multi_processing"),
        ({"options": {"runner": "FlinkRunner"}}, "is the key beam.runner"),
        ({"options": {"--parallelism": 2}}, "write the name without dashes"),
        ({"options": {"streaming": False}}, "leave a flag that is off out"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(sentence)):
        BeamSettings.model_validate(settings)
