"""gRPC Classify, Regress and MultiInference (classifier.cc, regressor.cc, multi_inference.cc)."""

from collections.abc import Callable
from typing import Any

import grpc
import pytest
from google.protobuf import text_format

from serving.server.silent_tensorflow import classification_pb2, inference_pb2, predict_pb2, regression_pb2

METHODS = {
    "Classify": (classification_pb2.ClassificationRequest, classification_pb2.ClassificationResponse),
    "Regress": (regression_pb2.RegressionRequest, regression_pb2.RegressionResponse),
    "MultiInference": (inference_pb2.MultiInferenceRequest, inference_pb2.MultiInferenceResponse),
    "Predict": (predict_pb2.PredictRequest, predict_pb2.PredictResponse),
}
Ask = Callable[[str, str], str]


@pytest.fixture(scope="module")
def ask(channel: grpc.Channel) -> Ask:
    """`ask(method, request)`: the response, or "CODE: details", all as text."""

    def send(method: str, request: str) -> str:
        request_type, response_type = METHODS[method]
        call: Any = channel.unary_unary(
            f"/tensorflow.serving.PredictionService/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=response_type.FromString,
        )
        try:
            answer = call(text_format.Parse(request, request_type()), timeout=20)
        except grpc.RpcError as error:
            return f"{error.code().name}: {error.details()}"
        return text_format.MessageToString(answer, as_one_line=True)

    return send


def example(**numbers: float) -> str:
    features = "".join(
        f'feature {{ key: "{name}" value {{ float_list {{ value: {number} }} }} }}' for name, number in numbers.items()
    )
    return f"features {{ {features} }}"


def listed(*examples: str) -> str:
    return f"input {{ example_list {{ {' '.join(f'examples {{ {one} }}' for one in examples)} }} }}"


def with_context(context: str, *examples: str) -> str:
    inside = " ".join(f"examples {{ {one} }}" for one in examples)
    return f"input {{ example_list_with_context {{ context {{ {context} }} {inside} }} }}"


def spec(signature: str = "", model: str = "half_plus_two", more: str = "") -> str:
    return f'model_spec {{ name: "{model}" signature_name: "{signature}" {more} }}'


def echo(signature: str, model: str = "half_plus_two", version: int = 123) -> str:
    return f'model_spec {{ name: "{model}" version {{ value: {version} }} signature_name: "{signature}" }}'


def task(method: str, signature: str = "", model: str = "half_plus_two") -> str:
    return f'tasks {{ {spec(signature, model)} method_name: "tensorflow/serving/{method}" }}'


X2, X5 = example(x=2), example(x=5)
NAME_MISSING = "INVALID_ARGUMENT: ModelSpec has no name specified."
CASES = {
    "Classify": [
        (
            spec("classify_x_to_y") + listed(X2, X5),
            "result { classifications { classes { score: 3 } } classifications { classes { score: 4.5 } } }"
            f" {echo('classify_x_to_y')}",
        ),
        (
            spec("classify_x_to_labels") + listed(X5),
            f'result {{ classifications {{ classes {{ label: "4.5" }} }} }} {echo("classify_x_to_labels")}',
        ),
        (
            spec("classify_x_to_y", "half_plus_three") + with_context(example(x=8), example()),
            'result { classifications { classes { label: "y" score: 7 } classes { label: "-y" score: -7 } } }'
            f" {echo('classify_x_to_y', 'half_plus_three', 124)}",
        ),
        (listed(X2), "INVALID_ARGUMENT: Missing ModelSpec"),
        (spec(model="") + listed(X2), NAME_MISSING),
        (spec(model="foo") + listed(X2), "NOT_FOUND: Servable not found for request: Latest(foo)"),
        (
            spec("", more="version { value: 4 }") + listed(X2),
            "NOT_FOUND: Servable not found for request: Specific(half_plus_two, 4)",
        ),
        (
            spec("", more='version_label: "a"') + listed(X2),
            "INVALID_ARGUMENT: Unrecognized servable version label: a",
        ),
        (spec("z") + listed(X2), "INVALID_ARGUMENT: No signature was found with the name: z"),
        (spec("classify_x_to_y"), "INVALID_ARGUMENT: Input is empty."),
        (spec("classify_x_to_y") + "input {}", "INVALID_ARGUMENT: Input is empty."),
        (spec("classify_x_to_y") + listed(), "INVALID_ARGUMENT: Input is empty."),
        (spec("classify_x_to_y") + with_context(X2), "INVALID_ARGUMENT: Input is empty."),
        (spec("two_inputs", "odd"), "INVALID_ARGUMENT: Expected one input Tensor."),
    ],
    "Regress": [
        (
            spec("regress_x_to_y") + listed(X2, X5),
            f"result {{ regressions {{ value: 3 }} regressions {{ value: 4.5 }} }} {echo('regress_x_to_y')}",
        ),
        (
            spec("regress_x_to_y2") + listed(X5),
            f"result {{ regressions {{ value: 5.5 }} }} {echo('regress_x_to_y2')}",
        ),
        (
            spec("regress_x_to_y", "half_plus_three") + listed(X2),
            f"result {{ regressions {{ value: 4 }} }} {echo('regress_x_to_y', 'half_plus_three', 124)}",
        ),
        (
            spec("regress_x_to_y") + with_context(example(x=8), example(), X2, example(x2=1)),
            "result { regressions { value: 6 } regressions { value: 3 } regressions { value: 6 } }"
            f" {echo('regress_x_to_y')}",
        ),
        (listed(X2), "INVALID_ARGUMENT: Missing ModelSpec"),
        (spec("z") + listed(X2), "INVALID_ARGUMENT: No signature was found with the name: z"),
        (spec("regress_x_to_y"), "INVALID_ARGUMENT: Input is empty."),
        (spec("two_outputs", "odd") + listed(X2), "INVALID_ARGUMENT: Expected one output Tensor."),
        (
            spec("fewer_outputs", "odd") + listed(X2, X5),
            "INVALID_ARGUMENT: Input batch size did not match output batch size: 2 vs. 1",
        ),
    ],
    "MultiInference": [
        (
            task("regress", "regress_x_to_y") + task("classify", "classify_x_to_y") + listed(X2),
            f"results {{ {echo('regress_x_to_y')} regression_result {{ regressions {{ value: 3 }} }} }}"
            f" results {{ {echo('classify_x_to_y')}"
            " classification_result { classifications { classes { score: 3 } } } }",
        ),
        (
            task("regress", "regress_x2_to_y3") + task("regress", "regress_x_to_y") + listed(example(x=2, x2=4)),
            f"results {{ {echo('regress_x2_to_y3')} regression_result {{ regressions {{ value: 5 }} }} }}"
            f" results {{ {echo('regress_x_to_y')} regression_result {{ regressions {{ value: 3 }} }} }}",
        ),
        (listed(X2), NAME_MISSING),
        ("tasks {}" + listed(X2), NAME_MISSING),
        (task("regress", model="foo") + listed(X2), "NOT_FOUND: Servable not found for request: Latest(foo)"),
        (
            task("regress", "regress_x_to_y") + task("regress", "regress_x_to_y2", "odd") + listed(X2),
            "INVALID_ARGUMENT: All ModelSpecs in a MultiInferenceRequest must access the same model name.",
        ),
        (
            task("regress", "regress_x_to_y") + "tasks {}" + listed(X2),
            "INVALID_ARGUMENT: Found ModelSpec with an empty model name.",
        ),
        (
            task("regress", "regress_x_to_y") * 2 + listed(X2),
            "INVALID_ARGUMENT: Duplicate evaluation of signature: regress_x_to_y",
        ),
        (task("regress", "z") + listed(X2), "INVALID_ARGUMENT: Requested signature not found in model graph: z"),
        (
            task("predict") + listed(X2),
            "UNIMPLEMENTED: Unsupported signature method_name: tensorflow/serving/predict",
        ),
        (
            task("regress", "regress_x_to_y") + task("classify", "three_outputs", "half_plus_two") + listed(X2),
            "INVALID_ARGUMENT: Requested signature not found in model graph: three_outputs",
        ),
        (task("regress", "regress_x_to_y"), "INVALID_ARGUMENT: Input is empty."),
        (
            task("classify", "three_outputs", "odd") + listed(X2),
            "INVALID_ARGUMENT: Expected one or two output Tensors, found 3",
        ),
    ],
    "Predict": [
        (
            spec("alien", "odd") + 'inputs { key: "x" value { dtype: DT_FLOAT } }',
            "INVALID_ARGUMENT: number:0 is both fed and fetched.",
        ),
    ],
}


@pytest.mark.parametrize(
    ("method", "request_text", "answer"),
    [
        pytest.param(method, *case, id=f"{method}-{number}")
        for method, cases in CASES.items()
        for number, case in enumerate(cases)
    ],
)
def test_examples(ask: Ask, method: str, request_text: str, answer: str) -> None:
    if answer.startswith("res"):
        response = METHODS[method][1]
        answer = text_format.MessageToString(text_format.Parse(answer, response()), as_one_line=True)
    assert ask(method, request_text) == answer


def test_tasks_share_one_run(ask: Ask) -> None:
    """What is drawn at random is drawn once for both."""
    request = task("regress", "random", "odd") + task("regress", "random_again", "odd") + listed(X2, X5)
    answer = text_format.Parse(ask("MultiInference", request), inference_pb2.MultiInferenceResponse())
    first, second = ([entry.value for entry in result.regression_result.regressions] for result in answer.results)
    assert first == second
    assert len({*first}) == 2


def test_requests_share_runs(channel: grpc.Channel) -> None:
    """Many at once, each with a number of examples of its own: everybody gets what belongs to their examples."""
    call: Any = channel.unary_unary(
        "/tensorflow.serving.PredictionService/Regress",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=regression_pb2.RegressionResponse.FromString,
    )
    futures = {}
    for number in range(200):
        rows = [number + row / 4 for row in range(1 + number % 5)]
        text = spec("regress_x_to_y") + listed(*(example(x=row) for row in rows))
        futures[call.future(text_format.Parse(text, regression_pb2.RegressionRequest()), timeout=20)] = rows
    for future, rows in futures.items():
        found = [regression.value for regression in future.result().result.regressions]
        assert found == [row / 2 + 2 for row in rows]


def test_a_text_that_quotes_bytes_of_the_request(channel: grpc.Channel) -> None:
    """Protobuf takes this example, whose features are a number, TensorFlow does not; what it quotes is not UTF-8."""
    request = regression_pb2.RegressionRequest()
    text_format.Parse(spec("regress_x_to_y"), request)
    request.input.example_list.examples.add().MergeFromString(b"\n\x03\x08\xe1\x00")
    call: Any = channel.unary_unary(
        "/tensorflow.serving.PredictionService/Regress",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=regression_pb2.RegressionResponse.FromString,
    )
    with pytest.raises(grpc.RpcError) as raised:
        call(request, timeout=20)
    error: Any = raised.value
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "Could not parse example input" in error.details()
