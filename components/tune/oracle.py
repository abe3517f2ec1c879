"""KerasTuner's oracles over the ranges of a config, with a state that a kill cannot tear."""

import json
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras_tuner
from keras_tuner.engine.trial import Trial
from sklearn.exceptions import ConvergenceWarning

from components.train.settings import TrainerSettings
from components.tune.results import OBJECTIVES
from components.tune.settings import Range, TuneSettings
from components.tune.values import is_whole, rounded
from serving.whole_file import write_whole

FILE = "oracle.json"


class OneFile(keras_tuner.Oracle):
    """Keeps what KerasTuner spreads over files written in place in one file, replaced by one rename."""

    ongoing_trials: dict[str, Trial]

    def keep_in(self, folder: Path) -> None:
        """Keep the state there, and go on from what lies there; a trial that was running is run again."""
        self._file = folder / FILE
        if self._file.exists():
            self.reload()

    def save(self) -> None:
        """Write all of the state."""
        trials = [trial.get_state() for trial in self.trials.values()]
        write_whole(self._file, json.dumps({"oracle": self.get_state(), "trials": trials}))

    def reload(self) -> None:
        """Read it again."""
        state = json.loads(self._file.read_text(encoding="utf-8"))
        self.trials = {trial.trial_id: trial for trial in map(Trial.from_state, state["trials"])}
        self.set_state(state["oracle"])
        self._retry_queue += [trial.trial_id for trial in self.ongoing_trials.values()]
        self.ongoing_trials = {}

    def _save_trial(self, trial: Trial) -> None:
        """KerasTuner writes each trial by itself right before the rest; `save` writes both."""


class RandomOracle(OneFile, keras_tuner.oracles.RandomSearchOracle):
    """Random values."""


class BayesianOracle(OneFile, keras_tuner.oracles.BayesianOptimizationOracle):
    """Random values, then those that a Gaussian process over what was seen finds promising."""

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """The next values; of few different ones seen the process is a rough guess, of which nobody need be warned."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return super().populate_space(trial_id)


_ORACLES = {"random": RandomOracle, "bayesian": BayesianOracle}


def make_oracle(settings: TrainerSettings, tune: TuneSettings) -> OneFile:
    """The oracle that a config asks for."""
    return _ORACLES[tune.algorithm](
        objective=keras_tuner.Objective(*OBJECTIVES[settings.task]),
        max_trials=tune.trials,
        hyperparameters=_space(settings, tune.ranges),
        seed=settings.seed + 1,  # KerasTuner takes 0 for none
        max_consecutive_failed_trials=tune.trials + 1,  # never: one that fails says nothing of the next
    )


def _space(settings: TrainerSettings, ranges: Mapping[str, Range]) -> keras_tuner.HyperParameters:
    space = keras_tuner.HyperParameters()
    for key, span in ranges.items():
        sampling = "log" if span.log else "linear"
        if span.choices is not None:
            space.Choice(key, [json.dumps(choice) for choice in span.choices])  # KerasTuner takes scalars of one type
        elif is_whole(settings, key, span):
            step = None if span.step is None else int(span.step)
            space.Int(key, span.min, span.max, step=step, sampling=sampling)
        else:
            space.Float(key, span.min, span.max, step=span.step, sampling=sampling)
    return space


def values_of(trial: Trial, ranges: Mapping[str, Range]) -> dict[str, Any]:
    """The values of a trial by key, as they stand in a config."""
    return {key: _value(value, ranges[key]) for key, value in trial.hyperparameters.values.items()}


def _value(value: Any, span: Range) -> Any:
    if span.choices is not None:
        return json.loads(value)
    return type(value)(rounded(value, span))
