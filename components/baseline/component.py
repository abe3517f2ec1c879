"""Hands the newest pushed version to the Evaluator.

A component of our own and not a TFX Resolver, because Kubeflow Pipelines refuses resolvers, and because what counts is
what production serves, not what some run once pushed.
"""

import shutil
from pathlib import Path

from tfx import types
from tfx.dsl.component.experimental.annotations import OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types.standard_artifacts import Model
from tfx.utils import path_utils

from components.versions import newest_version

_VERSION = "production_version"


@component
def Baseline(  # noqa: N802
    serving_folder: Parameter[str],
    newest: Parameter[str],  # noqa: ARG001
    model: OutputArtifact[Model],
) -> None:
    """Copy the newest version under `serving_folder`, if there is one, into a Model artifact.

    `newest` names that version at the time the run began; it makes TFX run this step anew when production has changed.
    """
    version = newest_version(serving_folder)
    if version is None:
        Path(model.uri).mkdir(parents=True, exist_ok=True)
        return
    shutil.copytree(Path(serving_folder) / str(version), path_utils.serving_model_dir(model.uri), dirs_exist_ok=True)
    model.set_string_custom_property(_VERSION, str(version))


def production_version(model: types.Artifact) -> str | None:
    """Version that a Baseline artifact holds, or none."""
    return model.get_string_custom_property(_VERSION) or None
