"""The one configuration file: composed of the settings that lie beside what they configure."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from components.errors import UserError
from components.evaluate.settings import ClassifyMetric, Gate, MatchMetric, Metric, check_bounds
from components.ingest.settings import LabelData, PairData, is_folder
from components.search.settings import IndexSettings, SearchSettings
from components.tasks.settings import ClassifySettings, MatchSettings
from components.train.settings import (
    ClassifyTrainer,
    ClassifyTrainSettings,
    ExportSettings,
    MatchExportSettings,
    MatchTrainer,
    MatchTrainSettings,
    TrainerSettings,
    said_of,
)
from components.transform.settings import TransformSettings
from components.tune.settings import Range, TuneSettings
from components.tune.values import changed, is_whole, put, with_values
from pipeline.beam_settings import BeamSettings
from pipeline.config_errors import sentence, show
from pipeline.kubeflow_settings import KubeflowSettings


class ConfigError(UserError):
    """The configuration is wrong; the text says which key, what came and what is allowed."""


def _check_name(name: str) -> str:
    if not re.fullmatch(r"[a-z0-9][a-z0-9_-]{0,62}", name):
        raise ValueError("allowed are up to 63 lower-case letters, digits, - and _, a letter or digit first")
    return name


def _check_local(folder: str | None) -> str | None:
    if folder and "://" in folder:
        raise ValueError("must be a folder of this machine; mount it first")
    return folder


class PipelineConfig(BaseModel):
    """What the pipelines of every task need to know. Relative paths in the file are relative to its own folder."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, AfterValidator(_check_name)] = Field(
        description="Name of the pipeline and of the served model: lower-case letters, digits, `-`, `_`."
    )
    task: str
    output: Annotated[str | None, AfterValidator(_check_local)] = Field(
        default=None, description="Folder for artifacts, metadata and pushed models; by default `out/NAME`."
    )
    seed: int = Field(default=1, ge=0, lt=2**31, description="Seed of every random draw.")
    data: PairData | LabelData
    schema_path: str | None = Field(
        default=None, description="A committed schema (`schema.pbtxt`) to hold the data against; by default inferred."
    )
    transform: TransformSettings = Field(default=TransformSettings(), description="From text to tokens.")
    model: MatchSettings | ClassifySettings
    train: MatchTrainSettings | ClassifyTrainSettings
    export: ExportSettings = Field(default=ExportSettings(), description="How the trained model is written.")
    gates: Mapping[Any, Gate]
    tune: TuneSettings = Field(default=TuneSettings(), description="What `anchorline tune` searches.")
    beam: BeamSettings = Field(default=BeamSettings(), description="Where the Beam jobs run.")
    kubeflow: KubeflowSettings = Field(default=KubeflowSettings(), description="The pipeline on Kubeflow Pipelines.")

    @model_validator(mode="after")
    def _check_together(self) -> Self:
        self.trainer_settings.check()
        return self

    @model_validator(mode="after")
    def _check_gates(self) -> Self:
        with said_of("gates."):
            check_bounds(self.gates)
        return self

    @model_validator(mode="after")
    def _check_tune(self) -> Self:
        for key, span in self.tune.ranges.items():
            try:
                self._try(key, span)
            except ValueError as error:
                raise ValueError(f"tune.ranges.{key}: {error}") from None
        return self

    def _try(self, key: str, span: Range) -> None:
        settings = self.trainer_settings
        for value in span.tried:
            try:
                with_values(settings, {key: value})
            except ValidationError as error:
                raw = changed(settings, {key: value})
                raise ValueError(sentence(error.errors()[0], raw, type(settings))) from None
        if span.choices is None:
            is_whole(settings, key, span)

    @property
    @abstractmethod
    def metrics(self) -> tuple[Metric, ...]:
        """What models of this task are judged by."""

    @property
    @abstractmethod
    def headlines(self) -> tuple[Metric, Metric]:
        """The two metrics to show where there is no room for all; the first tells a weak slice from a strong one."""

    @property
    @abstractmethod
    def trainer_settings(self) -> TrainerSettings:
        """What the Trainer is told."""

    @property
    def output_folder(self) -> Path:
        """Folder of all that runs of this pipeline leave behind."""
        assert self.output is not None, "load_config fills it in"  # noqa: S101
        return Path(self.output)

    @property
    def serving_folder(self) -> Path:
        """Base path of the served model: one numbered folder a pushed version."""
        return self.output_folder / "serving" / self.name


class MatchConfig(PipelineConfig):
    """Questions to answers."""

    task: Literal["match"] = Field(default="match", description="`match`: questions to answers.")
    data: PairData = Field(description="Where the rows come from.")
    model: MatchSettings = Field(default=MatchSettings(), description="Encoders and loss.")
    train: MatchTrainSettings = Field(default=MatchTrainSettings(), description="How long and fast to learn, and what.")
    export: MatchExportSettings = Field(default=MatchExportSettings(), description="How the trained model is written.")
    candidates: int = Field(default=10, ge=1, le=1_000, description="How many ranked answers `search` returns.")
    index: IndexSettings = Field(default=IndexSettings(), description="How `search` finds the nearest answers.")
    search: SearchSettings = Field(default=SearchSettings(), description="What answers are ranked by.")
    gates: dict[MatchMetric, Gate] = Field(
        default={"mrr": Gate(max_drop=0.01)},
        title="metric",
        description="What a model must reach to be pushed, by metric: `recall@1`, `recall@5`, `recall@10`, `mrr`.",
    )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Retrieval among all candidates."""
        return get_args(MatchMetric)

    @property
    def headlines(self) -> tuple[Metric, Metric]:
        """MRR and recall@1."""
        return "mrr", "recall@1"

    @property
    def trainer_settings(self) -> MatchTrainer:
        """What the Trainer is told."""
        return MatchTrainer(
            inputs=self.data.inputs,
            model=self.model,
            train=self.train,
            seed=self.seed,
            candidates=self.candidates,
            export=self.export,
            index=self.index,
            search=self.search,
        )


class ClassifyConfig(PipelineConfig):
    """Texts or pictures to labels."""

    task: Literal["classify"] = Field(description="`classify`: texts or pictures to labels.")
    data: LabelData = Field(description="Where the rows come from.")
    model: ClassifySettings = Field(default=ClassifySettings(), description="Encoder and loss.")
    train: ClassifyTrainSettings = Field(default=ClassifyTrainSettings(), description="How long and fast to learn.")
    neighbors: int = Field(default=5, ge=1, le=1_000, description="How many rows `neighbors` returns.")
    index: IndexSettings = Field(default=IndexSettings(), description="How `neighbors` finds the nearest rows.")
    gates: dict[ClassifyMetric, Gate] = Field(
        default={"accuracy": Gate(max_drop=0.01)},
        title="metric",
        description="What a model must reach to be pushed, by metric: `accuracy`; `neighbor_accuracy`, of the majority "
        "of the 5 nearest training rows; `ece`, the expected calibration error over 15 bins; `distance_ratio`, "
        "distances within classes over distances between classes.",
    )

    @property
    def metrics(self) -> tuple[Metric, ...]:
        """Accuracy, calibration and how classes cluster."""
        return get_args(ClassifyMetric)

    @property
    def headlines(self) -> tuple[Metric, Metric]:
        """Accuracy and calibration."""
        return "accuracy", "ece"

    @property
    def trainer_settings(self) -> ClassifyTrainer:
        """What the Trainer is told."""
        return ClassifyTrainer(
            inputs=self.data.inputs,
            model=self.model,
            train=self.train,
            seed=self.seed,
            neighbors=self.neighbors,
            export=self.export,
            index=self.index,
        )


TASKS: dict[str, type[PipelineConfig]] = {"match": MatchConfig, "classify": ClassifyConfig}


def override_arguments(overrides: Sequence[str]) -> list[str]:
    """Overrides as they are typed on a command line."""
    return [part for override in overrides for part in ("--set", override)]


def load_config(path: str | Path, overrides: Sequence[str] = ()) -> PipelineConfig:
    """Read and check a configuration file.

    Args:
        path: a YAML file.
        overrides: `a.b=value` each, the value in YAML; they win over the file.

    Raises:
        ConfigError: one line for each thing that is wrong.
    """
    file = Path(path)
    raw = _read_yaml(file)
    for override in overrides:
        _apply(raw, override)
    task = raw.get("task", "match")
    if not isinstance(task, str) or task not in TASKS:
        raise ConfigError(f"{file}: task: got {show(task)}; allowed are {', '.join(TASKS)}")
    try:
        config = TASKS[task].model_validate(raw, context={"folder": file.resolve().parent})
    except ValidationError as error:
        lines = [f"{file}: {sentence(details, raw, TASKS[task])}" for details in error.errors(include_url=False)]
        raise ConfigError("\n".join([*lines, *_hints(file, raw)])) from None
    return _with_absolute_paths(config, file.resolve().parent)


def _hints(file: Path, raw: dict[str, Any]) -> list[str]:
    """What may be behind keys that the task does not know."""
    data = raw.get("data")
    columns = data.get("columns") if isinstance(data, dict) else None
    labelled = isinstance(data, dict) and is_folder(data.get("format"))
    labelled |= isinstance(columns, dict) and not columns.keys().isdisjoint({"label", "text", "image"})
    if labelled and "task" not in raw:
        return [f"{file}: task: is not given and so match; to learn labels of texts or pictures add `task: classify`"]
    return []


def _read_yaml(file: Path) -> dict[str, Any]:
    try:
        raw = yaml.load(file.read_text(encoding="utf-8"), UniqueKeyLoader)  # noqa: S506  a SafeLoader
    except FileNotFoundError:
        raise ConfigError(f"{file}: there is no such file; give the path of a YAML configuration") from None
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: is not a text file: byte {error.start} is not UTF-8") from None
    except ValueError as error:  # YAML's own words for it, as for a date that is none
        raise ConfigError(f"{file}: is not valid YAML: {error}") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        raise ConfigError(f"{file}: is not valid YAML{where}: {getattr(error, 'problem', error)}") from None
    if not isinstance(raw, dict):
        raise ConfigError(f"{file}: must hold keys and values, but holds {show(raw)}")
    return raw


class UniqueKeyLoader(yaml.SafeLoader):
    """YAML's safe loader, which refuses a key that is there twice instead of dropping the first."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Build one mapping."""
        keys: set[str] = set()
        for key, _ in node.value:
            name = str(key.value)
            if name in keys:
                raise yaml.constructor.ConstructorError(None, None, f"the key {name} is there twice", key.start_mark)
            keys.add(name)
        return super().construct_mapping(node, deep)


def split_override(override: str) -> tuple[str, Any]:
    """Key and value of an override.

    Raises:
        ConfigError: it does not look like one.
    """
    key, separator, text = override.partition("=")
    if not separator or not key:
        raise ConfigError(f"--set {override}: must look like a.b=value")
    try:
        return key, yaml.safe_load(text)
    except (yaml.YAMLError, ValueError):
        raise ConfigError(f"--set {override}: the value is not valid YAML") from None


def _apply(raw: dict[str, Any], override: str) -> None:
    key, value = split_override(override)
    try:
        put(raw, key, value)
    except ValueError as error:
        raise ConfigError(f"--set {override}: {error}") from None


def _with_absolute_paths(config: PipelineConfig, folder: Path) -> PipelineConfig:
    data = config.data
    inner = {"loader": _absolute(folder, data.loader), "image_folder": _absolute(folder, data.image_folder)}
    if not data.path.startswith("package:") and "://" not in data.path:  # of which ingest says what is wrong
        inner["path"] = _absolute(folder, data.path)
    output = folder / Path(config.output or f"out/{config.name}").expanduser()
    changes = {"data": data.model_copy(update=inner), "output": str(output.resolve())}
    return config.model_copy(update=changes | {"schema_path": _absolute(folder, config.schema_path)})


def _absolute(folder: Path, path: str | None) -> str | None:
    return path and str(folder / Path(path).expanduser())
