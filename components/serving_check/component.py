"""The serving check as a step.

TFX's InfraValidator needs docker and does not compile for Kubeflow Pipelines; this step emits the same blessing.
"""

import json
from itertools import islice
from pathlib import Path

from tfx.dsl.component.experimental.annotations import InputArtifact, OutputArtifact, Parameter
from tfx.dsl.component.experimental.decorators import component
from tfx.types import artifact_utils
from tfx.types.standard_artifacts import Examples, InfraBlessing, Model
from tfx.utils import path_utils

from components.parts import Kind, Modality
from components.serving_check.check import ServingError, check_serving
from components.train.rows import read_rows


@component
def ServingCheck(  # noqa: N802
    model: InputArtifact[Model],
    examples: InputArtifact[Examples],
    rows: Parameter[int],
    parts: Parameter[str],
    blessing: OutputArtifact[InfraBlessing],
) -> None:
    """Bless the model if a server answers `rows` raw rows of the test split as the model itself does.

    `parts` is what the values of a row are, in JSON: by name `text`, `image` or `label`.
    """
    files = [f"{artifact_utils.get_split_uri([examples], 'test')}/*"]
    kinds: dict[str, Kind] = json.loads(parts)
    inputs: list[tuple[str, Modality]] = [(name, kind) for name, kind in kinds.items() if kind != "label"]
    samples: dict[Modality, list[bytes]] = {}
    for row in islice(read_rows(files, [name for name, _ in inputs]), rows):
        for (_, modality), value in zip(inputs, row, strict=True):
            samples.setdefault(modality, []).append(value)
    try:
        check_serving(path_utils.serving_model_path(model.uri), samples)
    except ServingError as error:
        blessing.set_string_custom_property(REASON, str(error))
        blessed = False
    else:
        blessed = True
    folder = Path(blessing.uri)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ("INFRA_BLESSED" if blessed else "INFRA_NOT_BLESSED")).touch()
    blessing.set_int_custom_property("blessed", int(blessed))


REASON = "reason"
"""Custom property of an InfraBlessing that was refused: why."""
