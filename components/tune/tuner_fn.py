"""The function that TFX's Tuner calls: data in, a tuner out."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tfx.components.trainer.fn_args_utils import FnArgs
from tfx.components.tuner.component import TunerFnResult

from components.train.candidates import Candidates
from components.train.classify import fit_classify
from components.train.distribute import scope
from components.train.files import Files
from components.train.match import fit_match
from components.train.run_fn import files_of
from components.train.settings import MatchTrainer, TrainerSettings, parse_settings
from components.tune.results import search_folder
from components.tune.settings import TuneSettings
from components.tune.tuner import Fit, SettingsTuner


def tuner_fn(fn_args: FnArgs) -> TunerFnResult:
    """A tuner over the settings in `fn_args.custom_config`; see `pipeline.create.create_tuning` for what is in it."""
    config = fn_args.custom_config
    settings = parse_settings(config["settings"])
    folder = search_folder(Path(config["folder"]), config["search"], fn_args.transform_graph_path)
    if config["fresh"]:
        shutil.rmtree(folder, ignore_errors=True)
    tuner = SettingsTuner(
        settings,
        TuneSettings.model_validate_json(config["tune"]),
        _fit(settings, files_of(fn_args)),
        folder=folder,
        scratch=fn_args.working_dir,
    )
    return TunerFnResult(tuner=tuner, fit_kwargs={})


def _fit(settings: TrainerSettings, files: Files) -> Fit:
    """How the task trains; of the test split only the answers of a `match` task are read, as in training."""
    candidates = Candidates(files.all) if isinstance(settings, MatchTrainer) else None

    def fit(tuned: TrainerSettings) -> Mapping[str, Any]:
        with scope(tuned.train.distribute):
            if isinstance(tuned, MatchTrainer):
                assert candidates is not None, "a trial does not change the task"  # noqa: S101
                return fit_match(tuned, files, candidates, progress=False).validation
            return fit_classify(tuned, files, progress=False).validation

    return fit
