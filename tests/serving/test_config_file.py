"""ModelServerConfig files."""

from pathlib import Path

import pytest

from serving.server import config_file
from serving.server.config_file import ConfigError
from serving.server.flags import Flags
from serving.server.model_config import ModelConfig
from serving.server.versions import Policy


def one(extra: str = "", name: str = "m", path: str = "/models/m") -> str:
    return f'model_config_list {{ config {{ name: "{name}" base_path: "{path}" {extra} }} }}'


@pytest.mark.parametrize(
    ("text", "policy"),
    [
        ("", Policy()),
        ("model_version_policy { latest {} }", Policy(latest=1)),
        ("model_version_policy { latest { num_versions: 3 } }", Policy(latest=3)),
        ("model_version_policy { all {} }", Policy(latest=None)),
        ("model_version_policy { specific { versions: 4 versions: 2 } }", Policy(specific=frozenset({2, 4}))),
    ],
)
def test_policies(text: str, policy: Policy) -> None:
    assert config_file.parse(one(text)) == [ModelConfig("m", Path("/models/m"), policy)]


def test_several_models_with_labels() -> None:
    text = """
    model_config_list {
      config { name: "a" base_path: "/a" version_labels { key: "stable" value: 3 } }
      config { name: "b" base_path: "/b" model_platform: "tensorflow" }
    }
    """
    first, second = config_file.parse(text)
    assert (first.name, first.labels, second.base_path) == ("a", {"stable": 3}, Path("/b"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("nonsense", "Error parsing text-format tensorflow.serving.ModelServerConfig: 1:1 : "),
        ("", "model_config_list names no model"),
        (one(name=""), "a model in model_config_list has no name"),
        (one(path="models/m"), "Expected model m to have an absolute path or URI; got base_path()=models/m"),
        (one(path="/models\\000/m"), "Expected model m to have an absolute path or URI; got base_path()=/models\0/m"),
        (one(path="gs://b/m"), "got base_path()=gs://b/m (of URIs, none is supported here)"),
        (one('model_platform: "caffe"'), "Model m requests unsupported platform caffe"),
        (one("model_version_policy { specific {} }"), "model m: model_version_policy.specific lists no versions"),
        (
            one().replace("config_list {", 'config_list { config { name: "m" base_path: "/b" }'),
            "Illegal to list model m multiple times in config list",
        ),
        ("custom_model_config {}", "custom_model_config is not supported"),
    ],
)
def test_mistakes(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "models.config"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        config_file.from_flags(Flags(model_config_file=str(path)))
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}: ")


def test_no_model_at_all_must_be_said() -> None:
    assert config_file.parse("model_config_list {}") == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot read model_config_file .*/none: "):
        config_file.read_file(tmp_path / "none")


def test_one_model_from_flags() -> None:
    flags = Flags(model_name="m", model_base_path="here")
    assert config_file.from_flags(flags) == [ModelConfig("m", Path.cwd() / "here")]
