import subprocess
import sys
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from components.losses import LossSettings, RankingSettings, TripletSettings
from components.losses.ranking import MultipleNegativesRanking
from components.losses.triplet import CosineTriplet

ADAPTER: TypeAdapter[Any] = TypeAdapter(LossSettings)


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


@pytest.mark.parametrize("settings", [TripletSettings, RankingSettings])
def test_every_key_is_described(settings: type[TripletSettings | RankingSettings]) -> None:
    assert all(field.description for field in settings.model_fields.values())


def test_settings_import_nothing_heavy() -> None:
    code = "import sys, components.losses.settings; print({'keras', 'tensorflow', 'numpy', 'tfx'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
