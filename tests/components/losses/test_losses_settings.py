import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from components.losses import (
    ArcFaceSettings,
    CenterSettings,
    CircleSettings,
    ClassifyLossSettings,
    ContrastiveSettings,
    GrowthSettings,
    InfoNCESettings,
    MatchLossSettings,
    MultiSimilaritySettings,
    PairContrastiveSettings,
    PairsSettings,
    RankingSettings,
    SoftmaxSettings,
    TripletSettings,
)
from components.losses.arcface import ArcFace
from components.losses.center import SoftmaxWithCenters
from components.losses.circle import Circle
from components.losses.contrastive import SoftmaxWithContrast
from components.losses.cross_entropy import Softmax
from components.losses.info_nce import InfoNCE
from components.losses.multi_similarity import MultiSimilarity
from components.losses.objective import Objective
from components.losses.pair_contrastive import PairContrastive
from components.losses.pair_loss import PairLoss
from components.losses.pairs_objective import SoftmaxWithPairs
from components.losses.ranking import MultipleNegativesRanking
from components.losses.triplet import CosineTriplet

ADAPTER: TypeAdapter[Any] = TypeAdapter(MatchLossSettings)
CLASSIFY: TypeAdapter[Any] = TypeAdapter(ClassifyLossSettings)


def test_a_triplet_is_built_as_set() -> None:
    settings = ADAPTER.validate_python({"type": "cosine_triplet", "margin": 0.25, "negatives": "semi_hard"})
    loss = settings.build()
    assert isinstance(loss, CosineTriplet)
    assert (loss.margin, loss.negatives) == (0.25, "semi_hard")


def test_a_ranking_is_built_as_set() -> None:
    loss = ADAPTER.validate_python({"type": "multiple_negatives_ranking", "scale": 7}).build()
    assert isinstance(loss, MultipleNegativesRanking)
    assert loss.scale == 7


def test_the_defaults_are_those_of_the_losses() -> None:
    assert TripletSettings(type="cosine_triplet").build().get_config() == CosineTriplet().get_config()
    assert TripletSettings(type="cosine_triplet").margin == 0.1
    ranking = RankingSettings(type="multiple_negatives_ranking")
    assert ranking.build().get_config() == MultipleNegativesRanking().get_config()
    assert ranking.scale == 20


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"type": "info_nce", "temperature": 0.2, "learnt": False, "symmetric": False}, InfoNCE),
        ({"type": "supervised_contrastive", "temperature": 0.3}, PairContrastive),
        ({"type": "circle", "margin": 0.3, "scale": 16}, Circle),
        ({"type": "multi_similarity", "pull": 3, "push": 9, "threshold": 0.25, "slack": 0.2}, MultiSimilarity),
    ],
)
def test_other_match_losses_are_built_as_set_and_by_default_as_they_are(
    config: dict[str, Any], kind: type[PairLoss]
) -> None:
    loss = ADAPTER.validate_python(config).build()
    assert type(loss) is kind
    assert loss.get_config().items() >= {key: value for key, value in config.items() if key != "type"}.items()
    assert ADAPTER.validate_python({"type": config["type"]}).build().get_config() == kind().get_config()


@pytest.mark.parametrize("kind", ["cosine_triplet", "circle"])
def test_a_margin_grows_as_set(kind: str) -> None:
    growth = {"start": 0.05, "epochs": 3}
    (built,) = ADAPTER.validate_python({"type": kind, "margin": 0.25, "margin_growth": growth}).build().schedules
    assert built.get_config() == {"start": 0.05, "end": 0.25, "steps": None, "epochs": 3}


@pytest.mark.parametrize("margin", ["soft", 2, 1e-3])
def test_allowed_margins(margin: Any) -> None:
    assert ADAPTER.validate_python({"type": "cosine_triplet", "margin": margin}).margin == margin


@pytest.mark.parametrize(
    ("config", "where", "message"),
    [
        ({"type": "cosine_triplet", "margin": -1}, "margin", "-1.0 is not above 0 and at most 2"),
        ({"type": "cosine_triplet", "margin": 0}, "margin", "0.0 is not above 0 and at most 2"),
        ({"type": "cosine_triplet", "margin": 2.01}, "margin", "2.01 is not above 0 and at most 2"),
        ({"type": "cosine_triplet", "margin": float("nan")}, "margin", "nan is not above 0 and at most 2"),
        ({"type": "cosine_triplet", "margin": "hard"}, "margin", "Input should be 'soft'"),
        ({"type": "cosine_triplet", "negatives": "easy"}, "negatives", "'random', 'all', 'hardest' or 'semi_hard'"),
        ({"type": "cosine_triplet", "scale": 20}, "scale", "Extra inputs are not permitted"),
        ({"type": "multiple_negatives_ranking", "scale": 0}, "scale", "Input should be greater than 0"),
        ({"type": "multiple_negatives_ranking", "scale": float("inf")}, "scale", "should be a finite number"),
        ({"type": "info_nce", "temperature": 0.01}, "temperature", "greater than 0.01"),
        ({"type": "info_nce", "temperature": 1}, "temperature", "less than 1"),
        ({"type": "supervised_contrastive", "temperature": 0}, "temperature", "greater than 0"),
        ({"type": "circle", "margin": 1}, "margin", "less than 1"),
        ({"type": "circle", "margin": "soft"}, "margin", "valid number"),
        ({"type": "circle", "scale": -1}, "scale", "greater than 0"),
        ({"type": "multi_similarity", "push": 0}, "push", "greater than 0"),
        ({"type": "multi_similarity", "slack": 2.5}, "slack", "less than or equal to 2"),
        ({"type": "multi_similarity", "margin": 0.1}, "margin", "Extra inputs are not permitted"),
        ({"type": "circle", "margin_growth": {"start": 0.1}}, "margin_growth", "give either steps or epochs"),
        (
            {"type": "circle", "margin_growth": {"start": 0.1, "steps": 3, "epochs": 3}},
            "margin_growth",
            "give either steps or epochs",
        ),
        ({"type": "circle", "margin_growth": {"start": 0, "steps": 3}}, "margin_growth", "greater than 0"),
        (
            {"type": "cosine_triplet", "margin": 0.1, "margin_growth": {"start": 0.1, "steps": 3}},
            None,
            "margin_growth: start is 0.1, margin 0.1: it must be larger",
        ),
        (
            {"type": "cosine_triplet", "margin": "soft", "margin_growth": {"start": 0.1, "steps": 3}},
            None,
            "margin_growth: start is 0.1, margin soft: it must be larger",
        ),
        ({"type": "tripled"}, None, "'tripled' .* 'cosine_triplet', 'multiple_negatives_ranking'"),
        ({"margin": 0.1}, None, "Unable to extract tag using discriminator 'type'"),
    ],
)
def test_wrong_settings_are_refused(config: dict[str, Any], where: str | None, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        ADAPTER.validate_python(config)
    if where:
        assert {error["loc"][1] for error in caught.value.errors()} == {where}


def test_settings_are_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        TripletSettings(type="cosine_triplet").margin = 0.5


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"type": "softmax", "smoothing": 0.25}, Softmax),
        ({"type": "center", "smoothing": 0.05, "weight": 0.5, "rate": 0.4}, SoftmaxWithCenters),
        ({"type": "center", "rate": None}, SoftmaxWithCenters),
        (
            {"type": "supervised_contrastive", "smoothing": 0.1, "temperature": 0.3, "weight": 0.7},
            SoftmaxWithContrast,
        ),
        ({"type": "arcface", "scale": 64, "margin": 0.2}, ArcFace),
        ({"type": "softmax_with_pairs", "weight": 0.5, "pairs": {"type": "circle"}}, SoftmaxWithPairs),
    ],
)
def test_an_objective_is_built_as_set(config: dict[str, Any], kind: type[Objective]) -> None:
    objective = CLASSIFY.validate_python(config).build(3, 4)
    assert type(objective) is kind
    options = {key: value for key, value in config.items() if key not in {"type", "pairs"}}
    assert objective.get_config().items() >= {**options, "classes": 3, "dimensions": 4}.items()


@pytest.mark.parametrize(
    ("kind", "objective", "defaults"),
    [
        ("softmax", Softmax, {"smoothing": 0.0}),
        ("center", SoftmaxWithCenters, {"smoothing": 0.0, "weight": 0.2, "rate": None}),
        ("supervised_contrastive", SoftmaxWithContrast, {"smoothing": 0.0, "temperature": 0.1, "weight": 1.0}),
        ("arcface", ArcFace, {"scale": 30.0, "margin": 0.5}),
    ],
)
def test_the_defaults_are_those_of_the_objectives(kind: str, objective: Any, defaults: dict[str, Any]) -> None:
    settings = CLASSIFY.validate_python({"type": kind})
    assert settings.model_dump() == {"type": kind, **defaults}
    built, plain = settings.build(3, 4).get_config(), objective(3, 4).get_config()
    assert built | {"name": None} == plain | {"name": None}


@pytest.mark.parametrize(
    ("config", "where", "message"),
    [
        ({"type": "softmax", "smoothing": 1}, "smoothing", "Input should be less than 1"),
        ({"type": "softmax", "smoothing": -0.1}, "smoothing", "greater than or equal to 0"),
        ({"type": "softmax", "smoothing": float("nan")}, "smoothing", "Input should be"),
        ({"type": "softmax", "weight": 1}, "weight", "Extra inputs are not permitted"),
        ({"type": "center", "weight": -1}, "weight", "greater than or equal to 0"),
        ({"type": "center", "weight": float("inf")}, "weight", "should be a finite number"),
        ({"type": "center", "rate": 0}, "rate", "Input should be greater than 0"),
        ({"type": "center", "rate": 1.5}, "rate", "less than or equal to 1"),
        ({"type": "supervised_contrastive", "temperature": 0}, "temperature", "Input should be greater than 0"),
        ({"type": "arcface", "scale": 0}, "scale", "Input should be greater than 0"),
        ({"type": "arcface", "margin": 28.6}, "margin", "Input should be less than 1.57"),
        ({"type": "arcface", "margin": -0.1}, "margin", "greater than or equal to 0"),
        ({"type": "cosine_triplet"}, None, "'softmax', 'center', 'supervised_contrastive', 'arcface'"),
    ],
)
def test_wrong_settings_of_objectives_are_refused(config: dict[str, Any], where: str | None, message: str) -> None:
    with pytest.raises(ValidationError, match=message) as caught:
        CLASSIFY.validate_python(config)
    if where:
        assert {error["loc"][1] for error in caught.value.errors()} == {where}


@pytest.mark.parametrize(
    "settings",
    [
        TripletSettings,
        RankingSettings,
        InfoNCESettings,
        PairContrastiveSettings,
        CircleSettings,
        MultiSimilaritySettings,
        GrowthSettings,
        SoftmaxSettings,
        CenterSettings,
        ContrastiveSettings,
        ArcFaceSettings,
        PairsSettings,
    ],
)
def test_every_key_is_described(settings: Any) -> None:
    assert all(field.description for field in settings.model_fields.values())


def test_settings_import_nothing_heavy() -> None:
    code = "import sys, components.losses.settings; print({'keras', 'tensorflow', 'numpy', 'tfx'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"


def test_pairs_of_a_classifier_are_built_as_set() -> None:
    pairs = {"type": "multi_similarity", "push": 20}
    objective = CLASSIFY.validate_python({"type": "softmax_with_pairs", "pairs": pairs}).build(3, 4)
    assert isinstance(objective.pairs, MultiSimilarity)
    assert (objective.pairs.push, objective.weight, objective.smoothing) == (20, 1, 0)
