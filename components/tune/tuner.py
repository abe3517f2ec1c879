"""Trains what an oracle proposes, with the trainer's own functions, and keeps what came of it."""

import math
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import keras
from keras_tuner.engine.base_tuner import BaseTuner
from keras_tuner.engine.trial import Trial, TrialStatus
from pydantic import ValidationError

from components.errors import UserError
from components.train.settings import TrainerSettings
from components.tune.oracle import make_oracle, values_of
from components.tune.results import OBJECTIVES, Result, read_results, shown, write_results
from components.tune.settings import TuneSettings
from components.tune.values import Values, with_values

type Fit = Callable[[TrainerSettings], Mapping[str, float]]
"""Trains by settings; the validation metrics of the best epoch."""


class SettingsTuner(BaseTuner):
    """Searches the settings of a training, after it has tried them as they are.

    Says a line a trial on standard output. What is finished stays finished, however the process ends.

    Args:
        settings: as they are.
        tune: what to try.
        fit: trains.
        folder: of the search's state; made where it is not there.
        scratch: where KerasTuner may leave what nobody reads.
    """

    def __init__(self, settings: TrainerSettings, tune: TuneSettings, fit: Fit, *, folder: Path, scratch: str) -> None:
        self.settings = settings
        self.tune = tune
        self.fit = fit
        self.objective = OBJECTIVES[settings.task]
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.results = {result.number: result for result in read_results(folder)}
        oracle = make_oracle(settings, tune)
        oracle.verbose = 0
        super().__init__(oracle, directory=scratch)
        oracle.keep_in(folder)

    def on_search_begin(self) -> None:
        """Try the settings as they are, unless that was done; its errors are those of a run and end the search."""
        if 0 in self.results:
            print(f"{len(self.results)} trials are finished already, the config as it is among them", flush=True)
        else:
            self._keep(self._train(0, {}))

    def run_trial(self, trial: Trial) -> dict[str, float]:
        """Try one set of values; what was tried is not trained again.

        The oracle may ask again: where there are few values, or where the process ended before it heard of the answer.
        """
        number, values = _number(trial), values_of(trial, self.tune.ranges)
        result = next((known for known in self.results.values() if known.values == values), None)
        if result is None:
            result = self._train(number, values)
            self._keep(result)
        elif result.number != number:
            self._say(number, f"as trial {result.number}", values)
        return {self.objective.name: result.score}

    def on_trial_end(self, trial: Trial) -> None:
        """Say it when a trial failed; the next one goes on."""
        super().on_trial_end(trial)
        if trial.message:
            print(trial.message, file=sys.stderr)
            self._say(_number(trial), "failed", values_of(trial, self.tune.ranges))
            print(f"     {_last_line(trial.message)}", flush=True)

    def on_search_end(self) -> None:
        """Check that there is something to choose from.

        Raises:
            UserError: every trial failed.
        """
        trials = list(self.oracle.trials.values())
        if not any(trial.status == TrialStatus.COMPLETED for trial in trials):
            raise UserError(
                f"none of {len(trials)} trials could be trained; the last: {_last_line(trials[-1].message)}"
            )

    def save(self) -> None:
        """Nothing: the state is the oracle's and the results'."""

    def search_space_summary(self, extended: bool = False) -> None:
        """Nothing: the config says it."""

    def results_summary(self, num_trials: int = 10) -> None:
        """Nothing: whoever started the search ranks the results."""

    def _train(self, number: int, values: Values) -> Result:
        start = time.monotonic()
        tuned = self._checked(values)
        scores = []
        for seed in range(tuned.seed, tuned.seed + self.tune.seeds):
            keras.utils.clear_session()
            score = self.fit(tuned.model_copy(update={"seed": seed}))[self.objective.name]
            if not math.isfinite(score):
                raise UserError(f"{self.objective.name} is {score}: there is nothing to compare trials by")
            scores.append(score)
        return Result(number=number, values=dict(values), scores=scores, seconds=time.monotonic() - start)

    def _checked(self, values: Values) -> TrainerSettings:
        """Values that are allowed one by one may not be so together."""
        try:
            return with_values(self.settings, values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            where = ".".join(map(str, first["loc"]))
            raise UserError(f"these values do not go together: {where}: {first['msg']}") from None
        except ValueError as error:
            raise UserError(f"these values do not go together: {error}") from None

    def _keep(self, result: Result) -> None:
        self.results[result.number] = result
        write_results(self.folder, list(self.results.values()))
        self._say(result.number, f"{self.objective.name} {result.score:.4f} {result.seconds:7.1f} s", result.values)

    def _say(self, number: int, outcome: str, values: Values) -> None:
        text = " ".join(f"{key}={shown(value)}" for key, value in values.items()) or "the config as it is"
        print(f"{number:>4} of {self.tune.trials}  {outcome}  {text}", flush=True)


def _number(trial: Trial) -> int:
    return int(trial.trial_id) + 1


def _last_line(message: str | None) -> str:
    lines = (message or "").strip().splitlines()
    return lines[-1].removeprefix("components.errors.UserError: ") if lines else "no reason was given"
