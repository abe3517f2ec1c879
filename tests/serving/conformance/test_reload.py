"""Another configuration for a running server: by HandleReloadConfigRequest, and by the file it polls."""

import http.client
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from serving.process import ModelServer, ServerStartError
from serving.whole_file import write_whole
from tests.serving.reloading import ALL, labels, model, models, reload, specific


class Server:
    """A running server as its operator and its clients see it."""

    def __init__(self, process: ModelServer, config: Path):
        self.process = process
        self.config = config

    def write(self, config: str) -> None:
        """Replace the config file."""
        write_whole(self.config, config)

    def reload(self, config: str) -> str:
        """OK, or the status and its text."""
        return reload(self.process, config)

    def ask(self, path: str, body: Any = None) -> Any:
        """A result for x = 10, or the error's text."""
        connection = http.client.HTTPConnection(self.process.host, self.process.rest_port, timeout=20)
        connection.request("POST", f"/v1/models/{path}", json.dumps(body or {"instances": [10]}))
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return answer["error"] if "error" in answer else next(iter(answer.values()))[0]

    def predict(self, path: str) -> Any:
        return self.ask(f"{path}:predict")

    def states(self, name: str) -> dict[str, str]:
        """The state of each version; none if the model was never heard of."""
        connection = http.client.HTTPConnection(self.process.host, self.process.rest_port, timeout=20)
        connection.request("GET", f"/v1/models/{name}")
        answer = json.loads(connection.getresponse().read())
        connection.close()
        return {entry["version"]: entry["state"] for entry in answer.get("model_version_status", [])}

    def serves(self, **expected: Any) -> None:
        """The newest version of each of these models, and no other model, answers."""
        names = {"adder", "again", "three"}
        missing = {name: f"Servable not found for request: Latest({name})" for name in names}
        assert {name: self.predict(name) for name in names} == missing | expected


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory, saved_models: Any) -> Iterator[Callable[..., Server]]:
    running: list[ModelServer] = []

    def start_one(config: str, **flags: str) -> Server:
        file = tmp_path_factory.mktemp("config") / "models.config"
        file.write_text(config)
        process = ModelServer(
            {"unused": saved_models.adder},
            flags={"model_config_file": str(file), "file_system_poll_wait_seconds": "0.05"} | flags,
        )
        running.append(process.start())
        return Server(process, file)

    yield start_one
    for process in running:
        process.stop()


@pytest.fixture(scope="module")
def reloaded(start: Callable[..., Server]) -> Server:
    return start("model_config_list {}")


@pytest.fixture
def server(reloaded: Server, saved_models: Any) -> Server:
    """Serves `adder` in its newest version, 2, and nothing else."""
    assert reloaded.reload(models()) == "OK"
    assert reloaded.reload(models(model("adder", saved_models.adder))) == "OK"
    return reloaded


def test_a_server_may_start_without_models(reloaded: Server) -> None:
    assert reloaded.process.log.startswith("serving no model at ")


def test_models_come_and_go(server: Server, saved_models: Any) -> None:
    server.serves(adder=12.0)
    three = model("three", saved_models.half_plus_three)
    adder, again = model("adder", saved_models.adder), model("again", saved_models.adder, specific(1))
    for configs, expected in (
        ([adder, three], {"adder": 12.0, "three": 8.0}),
        ([three], {"three": 8.0}),
        ([adder], {"adder": 12.0}),
        ([], {}),
        ([again, adder, three], {"again": 11.0, "adder": 12.0, "three": 8.0}),
    ):
        assert server.reload(models(*configs)) == "OK"
        server.serves(**expected)
    assert server.reload(models(adder)) == "OK"
    assert (server.states("three"), server.states("again")) == ({"124": "END"}, {"1": "END"})


POLICIES = [
    (ALL, {"1": "AVAILABLE", "2": "AVAILABLE"}, 12.0),
    (specific(1), {"1": "AVAILABLE", "2": "END"}, 11.0),
    (specific(1, 2), {"1": "AVAILABLE", "2": "AVAILABLE"}, 12.0),
    (specific(7), {"1": "AVAILABLE", "2": "AVAILABLE"}, 12.0),  # nothing to replace them with
    ("model_version_policy { latest { num_versions: 2 } }", {"1": "AVAILABLE", "2": "AVAILABLE"}, 12.0),
    ("", {"1": "END", "2": "AVAILABLE"}, 12.0),
    (specific(1), {"1": "AVAILABLE", "2": "END"}, 11.0),
]


def test_policies_change(server: Server, saved_models: Any) -> None:
    assert server.states("adder")["2"] == "AVAILABLE"
    for policy, states, answer in POLICIES:
        assert server.reload(models(model("adder", saved_models.adder, policy))) == "OK"
        assert (server.states("adder"), server.predict("adder")) == (states, answer), policy


def test_labels_move(server: Server, saved_models: Any) -> None:
    unknown = "Unrecognized servable version label: {}".format
    for given, stable, canary in (
        (labels(stable=1, canary=2), 11.0, 12.0),
        (labels(stable=2), 12.0, unknown("canary")),
        (labels(canary=1), unknown("stable"), 11.0),
        ("", unknown("stable"), unknown("canary")),
    ):
        assert server.reload(models(model("adder", saved_models.adder, ALL + given))) == "OK"
        assert [server.predict(f"adder/labels/{name}") for name in ("stable", "canary")] == [stable, canary]


def test_labels_move_onto_available_versions_only(server: Server, saved_models: Any) -> None:
    good = model("adder", saved_models.adder, specific(2) + labels(stable=2))
    assert server.reload(models(good)) == "OK"
    for policy, number, states in (
        (specific(2), 1, {"2": "AVAILABLE"}),
        (specific(1, 2, 3), 3, {"1": "END", "2": "AVAILABLE"}),  # version 1 was loaded in vain
    ):
        other = model("three", saved_models.half_plus_three)
        answer = server.reload(models(other, model("adder", saved_models.adder, policy + labels(stable=number))))
        assert answer == (
            f"FAILED_PRECONDITION: Request to assign label to version {number} of model adder,"
            " which is not currently available for inference"
        )
        server.serves(adder=12.0)
        assert (server.predict("adder/labels/stable"), server.states("adder")) == (12.0, states)


def test_a_base_path_that_changes_is_another_model(
    server: Server, tmp_path: Path, save_adder: Callable[[Path, float], None]
) -> None:
    save_adder(tmp_path / "2", 500.0)
    assert server.reload(models(model("adder", tmp_path))) == "OK"
    server.serves(adder=510.0)
    assert server.states("adder") == {"2": "AVAILABLE"}


ONLY_LISTS = (
    "INVALID_ARGUMENT: ServerModelConfig type not supported by HandleReloadConfigRequest."
    " Only ModelConfigList is currently supported"
)
INVALID = [
    ("", ONLY_LISTS),
    ("custom_model_config {}", ONLY_LISTS),
    (
        models(model("a", Path("/a")), model("a", Path("/b"))),
        "INVALID_ARGUMENT: Illegal to list model a multiple times in config list",
    ),
    (
        models(model("a", Path("relative"))),
        "INVALID_ARGUMENT: Expected model a to have an absolute path or URI; got base_path()=relative",
    ),
    (
        models('config { name: "a" base_path: "/a" model_platform: "other" }'),
        "INVALID_ARGUMENT: Model a requests unsupported platform other",
    ),
    (models(model("", Path("/a"))), "INVALID_ARGUMENT: a model in model_config_list has no name"),
    (
        models(model("a", Path("/a"), "model_version_policy { specific {} }")),
        "INVALID_ARGUMENT: model a: model_version_policy.specific lists no versions",
    ),
    (
        models(model("a", Path("/no/such/path"))),
        "UNKNOWN: 1 model(s) did not become available: {{name: a} from /no/such/path due to error:"
        " NOT_FOUND: Could not find base path /no/such/path for servable a: No such file or directory}",
    ),
]


@pytest.mark.parametrize(("config", "answer"), INVALID)
def test_an_invalid_configuration_changes_nothing(server: Server, config: str, answer: str) -> None:
    assert server.reload(config) == answer
    server.serves(adder=12.0)


def test_a_model_that_does_not_load_changes_nothing(server: Server, saved_models: Any, tmp_path: Path) -> None:
    (tmp_path / "3").mkdir()
    answer = server.reload(models(model("fresh", saved_models.half_plus_three), model("broken", tmp_path)))
    assert answer.startswith(
        f"UNKNOWN: 1 model(s) did not become available: {{{{name: broken version: 3}} from {tmp_path} due to error: "
    )
    server.serves(adder=12.0)
    assert server.states("fresh") == {}


def test_a_file_that_is_not_polled_is_read_once(server: Server, saved_models: Any) -> None:
    server.write(models(model("three", saved_models.half_plus_three)))
    time.sleep(0.3)
    server.serves(adder=12.0)


# --- version folders -------------------------------------------------------------------------------------------------


def test_folders_come_and_go(server: Server, tmp_path: Path, save_adder: Callable[[Path, float], None]) -> None:
    base = tmp_path / "base"
    save_adder(base / "0007", 7.0)
    assert server.reload(models(model("adder", base))) == "OK"
    assert (server.predict("adder"), server.predict("adder/versions/7")) == (17.0, 17.0)  # leading zeros are read over
    save_adder(tmp_path / "hidden", 8.0)
    (tmp_path / "hidden").rename(base / "8")
    eventually(lambda: server.states("adder") == {"7": "END", "8": "AVAILABLE"})
    assert server.predict("adder") == 18.0
    base.rename(tmp_path / "elsewhere")
    eventually(lambda: f"Could not find base path {base} for servable adder" in server.process.log)
    assert (server.predict("adder"), server.states("adder")["8"]) == (18.0, "AVAILABLE")  # the last one stays


@pytest.mark.parametrize(
    ("config", "text"),
    [
        ("nonsense", "Error parsing text-format tensorflow.serving.ModelServerConfig: 1:1 : "),
        (models(model("m", Path("/no/such/path"))), "no version of m to serve, and without polling none can come"),
    ],
)
def test_a_configuration_that_cannot_be_served_ends_the_process(
    start: Callable[..., Server], config: str, text: str
) -> None:
    with pytest.raises(ServerStartError) as caught:
        start(config, file_system_poll_wait_seconds="0")
    assert str(caught.value).startswith("the model server ended with status 1:")
    assert text in str(caught.value)


# --- the polled file -------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def polling(start: Callable[..., Server], saved_models: Any) -> Server:
    return start(
        models(model("adder", saved_models.adder), model("odd", saved_models.odd)),
        model_config_file_poll_wait_seconds="0.05",
        enable_signature_method_name_check="true",
        allow_version_labels_for_unavailable_models="true",
        num_load_threads="2",
        num_unload_threads="2",
        saved_model_tags="serve",
        tensorflow_intra_op_parallelism="2",
    )


def eventually(look: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not look():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_method_names_are_binding_where_asked_for(polling: Server) -> None:
    body = {"signature_name": "regress", "examples": [{"x": 1.0}]}
    for verb, kind in (("classify", "classification"), ("regress", "regression")):
        body["signature_name"] = "serving_default"
        assert polling.ask(f"adder:{verb}", body) == (
            f"Expected {kind} signature method_name to be tensorflow/serving/{verb}. Was: tensorflow/serving/predict"
        )
    assert polling.ask("odd:predict", {"signature_name": "alien", "instances": [1]}) == (
        "Expected prediction signature method_name to be one of {tensorflow/serving/predict,"
        " tensorflow/serving/classify, tensorflow/serving/regress}. Was: some/other/method"
    )


def test_the_file_is_followed(polling: Server, saved_models: Any) -> None:
    polling.write(models(model("three", saved_models.half_plus_three)))
    eventually(lambda: polling.predict("three") == 8.0)
    eventually(lambda: polling.states("adder") == {"2": "END"})
    polling.serves(three=8.0)

    log = polling.process.log
    polling.write("model_config_list { config { name: 5 } }")
    eventually(lambda: polling.process.log != log)
    polling.write(models(model("adder", saved_models.adder), model("adder", saved_models.zoo)))
    eventually(lambda: "Illegal to list model adder" in polling.process.log)
    time.sleep(0.3)  # several more looks at the same mistake
    first, second = polling.process.log.removeprefix(log).splitlines()
    failed = f"the models stay as they are; reloading {polling.config} failed: {polling.config}: "
    assert first.startswith(f"{failed}Error parsing text-format tensorflow.serving.ModelServerConfig: 1:36 : ")
    assert second == f"{failed}Illegal to list model adder multiple times in config list"
    polling.serves(three=8.0)

    # New labels may name what is not available yet; those in use may not move there.
    polling.write(models(model("adder", saved_models.adder, specific(2) + labels(next=1, stable=2))))
    eventually(lambda: polling.predict("adder/labels/stable") == 12.0)
    assert polling.predict("adder/labels/next") == "Servable not found for request: Specific(adder, 1)"
    polling.write(models(model("adder", saved_models.adder, specific(2) + labels(stable=1))))
    eventually(lambda: "FAILED_PRECONDITION: Request to assign label to version 1" in polling.process.log)
    assert polling.predict("adder/labels/stable") == 12.0
