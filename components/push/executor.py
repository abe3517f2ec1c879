"""TFX's Pusher, made atomic: a version appears under the base path complete, by one rename."""

import filecmp
import os
import shutil
import time
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from tfx import types
from tfx.components.pusher import executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs

from components.versions import newest_version

_INCOMING = ".incoming"


class Executor(executor.Executor):
    """Pushes a model with both blessings, unless production already serves exactly this model."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copy the model beside the versions under a name that no server looks at, then rename it."""
        pushed = artifact_utils.get_single_instance(output_dict[specs.PUSHED_MODEL_KEY])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        destination = json_format.Parse(
            exec_properties[specs.PUSH_DESTINATION_KEY], pusher_pb2.PushDestination()
        ).filesystem.base_directory
        base, model = Path(destination), Path(self.GetModelPath(input_dict))
        newest = newest_version(base)
        if newest is not None and _same_tree(model, base / str(newest)):
            self._MarkNotPushed(pushed)
            pushed.set_string_custom_property(UNCHANGED, str(newest))
            return
        version = max(int(time.time()), (newest or 0) + 1)
        _publish(model, base, str(version))
        shutil.copytree(model, pushed.uri, dirs_exist_ok=True)
        self._MarkPushed(pushed, pushed_destination=str(base / str(version)), pushed_version=str(version))

    def CheckBlessing(self, input_dict: dict[str, list[types.Artifact]]) -> bool:  # noqa: N802
        """Both blessings are there and say yes; TFX itself pushes what nobody was asked about."""
        asked = all(input_dict.get(key) for key in (specs.MODEL_BLESSING_KEY, specs.INFRA_BLESSING_KEY))
        return asked and super().CheckBlessing(input_dict)


UNCHANGED = "unchanged"
"""Custom property of a PushedModel: the version in production that is this very model."""


def _publish(model: Path, base: Path, version: str) -> None:
    base.mkdir(parents=True, exist_ok=True)
    incoming = base / _INCOMING
    shutil.rmtree(incoming, ignore_errors=True)  # what a killed push left behind; runs hold a lock, so it is nobody's
    shutil.copytree(model, incoming)
    for file in incoming.rglob("*"):
        _to_disk(file)
    _to_disk(incoming)
    incoming.rename(base / version)
    _to_disk(base)


def _to_disk(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _same_tree(one: Path, other: Path) -> bool:
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    if files != sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file()):
        return False
    return all(filecmp.cmp(one / file, other / file, shallow=False) for file in files)
