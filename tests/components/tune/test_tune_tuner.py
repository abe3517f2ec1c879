"""The tuner with a function in place of a training: what it tries, keeps, says and survives."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from components.errors import UserError
from components.train.settings import MatchTrainer, TrainerSettings
from components.tune.results import OBJECTIVES, Result, ranked, read_results, search_folder
from components.tune.settings import TuneSettings
from components.tune.tuner import SettingsTuner
from tests.components.tune.test_tune_values import SETTINGS

pytestmark = [
    pytest.mark.filterwarnings("ignore:(currentThread|getName):DeprecationWarning:keras_tuner"),
    pytest.mark.filterwarnings("ignore:The optimal value found for dimension:UserWarning:sklearn"),
]

RANGES = {
    "train.learning_rate": {"min": 1e-4, "max": 0.1, "log": True},
    "train.epochs": {"min": 2, "max": 9},
    "model.encoder.term_dropout": {"min": 0, "max": 0.5, "step": 0.1},
    "model.loss": [{"type": "cosine_triplet"}, {"type": "multiple_negatives_ranking", "scale": 7}],
}


class Killed(BaseException):
    """Ends the process as far as the tuner can tell."""


class Trainings:
    """What was trained; the score is highest at 5 epochs."""

    def __init__(self, *, killed_at: int | None = None, broken: int | None = None) -> None:
        self.seen: list[TrainerSettings] = []
        self.killed_at = killed_at
        self.broken = broken

    def __call__(self, settings: TrainerSettings) -> Mapping[str, float]:
        if len(self.seen) == self.killed_at:
            raise Killed
        self.seen.append(settings)
        if settings.train.epochs == self.broken:
            raise UserError("no such luck")
        return {"val_mrr": 1 / (1 + abs(settings.train.epochs - 5) + 0.01 * settings.seed), "val_recall@1": 0.0}


def tuning(**settings: Any) -> TuneSettings:
    return TuneSettings.model_validate({"trials": 6, "algorithm": "random", "ranges": RANGES} | settings)


def search(folder: Path, fit: Trainings, tune: TuneSettings) -> SettingsTuner:
    tuner = SettingsTuner(SETTINGS, tune, fit, folder=folder, scratch=str(folder / "scratch"))
    tuner.search()
    return tuner


def test_it_tries_the_config_as_it_is_and_then_values_within_the_ranges(tmp_path: Path) -> None:
    fit = Trainings()
    search(tmp_path, fit, tuning())
    first, *tried = fit.seen
    assert first == SETTINGS
    assert len(tried) == 6
    for settings in tried:
        assert isinstance(settings, MatchTrainer)
        assert settings.train.learning_rate is not None
        assert 1e-4 <= settings.train.learning_rate <= 0.1
        assert 2 <= settings.train.epochs <= 9
        assert settings.model.encoder is not None
        assert settings.model.encoder.model_dump()["term_dropout"] in (0, 0.1, 0.2, 0.3, 0.4, 0.5)
        assert settings.model.loss.model_dump(exclude_none=True) in (
            {"type": "cosine_triplet", "margin": 0.1, "negatives": "random"},
            {"type": "multiple_negatives_ranking", "scale": 7.0},
        )
    results = read_results(tmp_path)
    assert [result.number for result in results] == list(range(7))
    assert results[0].values == {}
    assert all(set(result.values) == set(RANGES) for result in results[1:])
    assert [result.values["train.epochs"] for result in results[1:]] == [one.train.epochs for one in tried]


@pytest.mark.parametrize("algorithm", ["random", "bayesian"])
def test_a_search_that_was_killed_goes_on_as_if_it_was_not(tmp_path: Path, algorithm: str) -> None:
    tune = tuning(algorithm=algorithm)
    search(tmp_path / "whole", Trainings(), tune)
    before, after = Trainings(killed_at=4), Trainings()
    with pytest.raises(Killed):
        search(tmp_path / "killed", before, tune)
    search(tmp_path / "killed", after, tune)
    assert (len(before.seen), len(after.seen)) == (4, 3)
    found = [
        [(result.number, result.values, result.scores) for result in read_results(tmp_path / name)]
        for name in ("whole", "killed")
    ]
    assert found[0] == found[1]


def test_a_trial_that_was_kept_is_not_trained_again_though_the_oracle_has_not_heard_of_it(tmp_path: Path) -> None:
    tune = tuning(trials=2)
    with pytest.raises(Killed):
        search(tmp_path, Trainings(killed_at=1), tune)
    state = json.loads((tmp_path / "oracle.json").read_text())
    assert [trial["status"] for trial in state["trials"]] == ["RUNNING"]
    search(tmp_path, Trainings(), tune)
    (tmp_path / "oracle.json").write_text(json.dumps(state))
    again = Trainings()
    search(tmp_path, again, tune)
    assert again.seen == []


def test_values_that_come_again_are_not_trained_again(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit = Trainings()
    search(tmp_path, fit, tuning(trials=6, algorithm="bayesian", ranges={"train.epochs": {"min": 4, "max": 6}}))
    tried = [settings.train.epochs for settings in fit.seen[1:]]
    assert sorted(tried) == [4, 5, 6]
    assert capsys.readouterr().out.count("as trial ") == 3


def test_more_trials_go_on_and_no_more_do_nothing(tmp_path: Path) -> None:
    search(tmp_path, Trainings(), tuning())
    again, more = Trainings(), Trainings()
    search(tmp_path, again, tuning())
    search(tmp_path, more, tuning(trials=12))
    assert (len(again.seen), len(more.seen)) == (0, 6)
    assert len(read_results(tmp_path)) == 13


def test_each_trial_is_the_mean_of_its_seeds(tmp_path: Path) -> None:
    fit = Trainings()
    search(tmp_path, fit, tuning(trials=1, seeds=3))
    assert [settings.seed for settings in fit.seen] == [7, 8, 9, 7, 8, 9]
    first = read_results(tmp_path)[0]
    assert first.scores == [1 / (3 + 0.01 * seed) for seed in (7, 8, 9)]
    assert first.score == pytest.approx(sum(first.scores) / 3)
    assert first.spread > 0


def test_a_failed_trial_is_said_and_the_next_goes_on(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ranges = {"train.epochs": [4, 6, 8]}
    search(tmp_path, Trainings(broken=6), tuning(trials=3, ranges=ranges))
    assert sorted(result.values.get("train.epochs", 0) for result in read_results(tmp_path)) == [0, 4, 8]
    output = capsys.readouterr().out
    assert "failed  train.epochs=6\n     no such luck\n" in output
    assert "0 of 3  val_mrr 0.3257" in output


def test_when_every_trial_fails_the_last_reason_is_given(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="none of 1 trials could be trained; the last: no such luck"):
        search(tmp_path, Trainings(broken=6), tuning(ranges={"train.epochs": [6]}))


def test_values_that_do_not_go_together_fail_their_trial_alone(tmp_path: Path) -> None:
    ranges = {"model.loss.type": ["cosine_triplet", "multiple_negatives_ranking"], "model.loss.margin": [0.1, 0.2]}
    search(tmp_path, Trainings(), tuning(trials=4, ranges=ranges))
    assert {result.values.get("model.loss.type") for result in read_results(tmp_path)} == {None, "cosine_triplet"}


def test_a_score_that_is_no_number_ends_the_search(tmp_path: Path) -> None:
    tuner = SettingsTuner(
        SETTINGS, tuning(), lambda _: {"val_mrr": float("nan")}, folder=tmp_path, scratch=str(tmp_path)
    )
    with pytest.raises(UserError, match="val_mrr is nan"):
        tuner.search()


@pytest.mark.parametrize(("task", "best"), [("match", 2), ("classify", 1)])
def test_ranking_goes_by_the_objective_and_prefers_the_config_as_it_is(task: str, best: int) -> None:
    scores = [0.5, 0.2, 0.9, 0.9, 0.2]
    results = [Result(number=number, values={}, scores=[score], seconds=1) for number, score in enumerate(scores)]
    assert ranked(results, OBJECTIVES[task])[0].number == best
    same = [result.model_copy(update={"scores": [0.5]}) for result in reversed(results)]
    assert [result.number for result in ranked(same, OBJECTIVES[task])] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("task", "better", "worse"), [("match", 0.8, 0.7), ("classify", 0.2, 0.3)])
def test_trials_are_compared_as_epochs_are(task: str, better: float, worse: float) -> None:
    from components.train.validation import LabelValidation, RetrievalValidation

    kind: Any = {"match": RetrievalValidation, "classify": LabelValidation}[task]
    validation, objective = object.__new__(kind), OBJECTIVES[task]  # merit needs no data
    merits = [validation.merit({objective.name: score}) for score in (better, worse)]
    assert merits[0] > merits[1]
    assert (better > worse) == (objective.direction == "max")


def test_another_search_or_other_data_has_another_folder(tmp_path: Path) -> None:
    folders = {search_folder(tmp_path, {"a": a}, data) for a in (1, 2) for data in ("x", "y")}
    assert len(folders) == 4
    assert search_folder(tmp_path, {"a": 1, "b": 2}, "x") == search_folder(tmp_path, {"b": 2, "a": 1}, "x")
