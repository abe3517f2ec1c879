"""TFX's Pusher, made atomic: a version appears under the base path complete, by one rename."""

import filecmp
import shutil
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from tfx import types
from tfx.components.pusher import executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils
from tfx.types import standard_component_specs as specs

from components.publish import next_version, publishing, release, stage
from components.rollbacks import read_rollbacks, withdrawn_versions
from components.versions import newest_version


class Executor(executor.Executor):
    """Pushes a model with both blessings, unless production serves exactly this model, or did until a rollback."""

    def Do(  # noqa: N802
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Make the model a version, or note on the PushedModel why not."""
        pushed = artifact_utils.get_single_instance(output_dict[specs.PUSHED_MODEL_KEY])
        if exec_properties.get(RUN):
            pushed.set_string_custom_property(RUN, exec_properties[RUN])
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        destination = json_format.Parse(
            exec_properties[specs.PUSH_DESTINATION_KEY], pusher_pb2.PushDestination()
        ).filesystem.base_directory
        with publishing(Path(destination)):
            self._push(Path(self.GetModelPath(input_dict)), Path(destination), pushed)

    def _push(self, model: Path, base: Path, pushed: types.Artifact) -> None:
        newest = newest_version(base)
        if newest is not None and _same_tree(model, base / str(newest)):
            self._MarkNotPushed(pushed)
            pushed.set_string_custom_property(UNCHANGED, str(newest))
            return
        for version in withdrawn_versions(read_rollbacks(base)):
            if _same_tree(model, base / str(version)):
                self._MarkNotPushed(pushed)
                pushed.set_string_custom_property(WITHDRAWN, str(version))
                return
        staged = stage(model, base)
        shutil.copytree(model, pushed.uri, dirs_exist_ok=True)
        version = next_version(base)
        release(staged, version)  # the last that can fail
        self._MarkPushed(pushed, pushed_destination=str(base / str(version)), pushed_version=str(version))

    def CheckBlessing(self, input_dict: dict[str, list[types.Artifact]]) -> bool:  # noqa: N802
        """Both blessings are there and say yes; TFX itself pushes what nobody was asked about."""
        asked = all(input_dict.get(key) for key in (specs.MODEL_BLESSING_KEY, specs.INFRA_BLESSING_KEY))
        return asked and super().CheckBlessing(input_dict)


RUN = "run_name"
"""Execution property, and custom property of a PushedModel: the name of the run, where it has one."""

UNCHANGED = "unchanged"
"""Custom property of a PushedModel: the version in production that is this very model."""

WITHDRAWN = "withdrawn"
"""Custom property of a PushedModel: the version that is this very model and was rolled back."""


def _same_tree(one: Path, other: Path) -> bool:
    files = sorted(path.relative_to(one) for path in one.rglob("*") if path.is_file())
    if files != sorted(path.relative_to(other) for path in other.rglob("*") if path.is_file()):
        return False
    return all(filecmp.cmp(one / file, other / file, shallow=False) for file in files)
