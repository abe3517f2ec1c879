"""REST classify and regress: JSON becomes tf.Examples, and their results JSON (util/json_tensor.cc)."""

import json
from typing import Any

from tests.serving.conformance.cases import Case, check, table

TWO, THREE, ODD = ("/v1/models/half_plus_two", "/v1/models/half_plus_three", "/v1/models/odd")


def regress(examples: str, status: int, answer: str, model: str = TWO, signature: str = "regress_x_to_y") -> Any:
    return (f"POST {model}:regress", f'{{"signature_name": "{signature}", "examples": {examples}}}', status, answer)


def classify(examples: str, status: int, answer: str, model: str = TWO, signature: str = "classify_x_to_y") -> Any:
    return (f"POST {model}:classify", f'{{"signature_name": "{signature}", "examples": {examples}}}', status, answer)


def refused(signature: str, answer: str) -> Any:
    """What is wrong with a signature of `odd`, or with what it gives for two examples."""
    return classify('[{"x": 2.0}, {"x": 4.0}]', 400, answer, ODD, signature)


def refused_regress(signature: str, answer: str) -> Any:
    return regress('[{"x": 2.0}, {"x": 4.0}]', 400, answer, ODD, signature)


def bad_document(document: str, answer: str) -> Any:
    text = json.dumps(json.loads(document), indent=4)
    return (f"POST {TWO}:classify", document, 400, f"JSON Value: {text} {answer}")


ROWS: dict[str, Any] = {
    "classify": [
        classify('[{"x": 2.0}]', 200, '{"results":[[["",3.0]]]}'),
        classify('[{"x": 2.0}, {"x": [5.0]}]', 200, '{"results":[[["",3.0]],[["",4.5]]]}'),
        classify('[{"x": 2.0}]', 200, '{"results":[[["3.0",0.0]]]}', TWO, "classify_x_to_labels"),
        classify(
            '[{"x": 1.0}, {"x": 3.0}]', 200, '{"results":[[["y",3.5],["-y",-3.5]],[["y",4.5],["-y",-4.5]]]}', THREE
        ),
        classify('[{"x": NaN}]', 200, '{"results":[[["y",NaN],["-y",NaN]]]}', THREE),
        classify('[{"x": 2.0}]', 200, '{"results":[[["",3.0]]]}', f"{TWO}/versions/123"),
        classify(
            '[{"x": 2.0}]', 404, "Servable not found for request: Specific(half_plus_two, 4)", f"{TWO}/versions/4"
        ),
        classify('[{"x": 2.0}]', 404, "Servable not found for request: Latest(foo)", "/v1/models/foo"),
    ],
    "regress": [
        regress('[{"x": 2.0}]', 200, '{"results":[3.0]}'),
        regress('[{"x": 2.0}, {"x": [5.0]}, {"x": -0.5}]', 200, '{"results":[3.0,4.5,1.75]}'),
        regress('[{"x": 2.0, "unused": "text"}]', 200, '{"results":[3.0]}'),
        regress('[{"x": 2.0, "unused": false}]', 200, '{"results":[3.0]}'),
        regress('[{"x": 2.0}]', 200, '{"results":[4.0]}', TWO, "regress_x_to_y2"),
        regress('[{"x": 2.0}]', 200, '{"results":[4.0]}', THREE),
        regress('[{"x": 1e39}]', 200, '{"results":[Infinity]}'),
        regress('[{"x": 2.0}, {"x": 4.0}]', 200, '{"results":[NaN,NaN]}', ODD, "nan_outputs"),
    ],
    "context": [
        (
            f"POST {TWO}:regress",
            '{"signature_name": "regress_x_to_y", "context": {"x": 8.0}, "examples": [{}, {"y": 1}]}',
            200,
            '{"results":[6.0,6.0]}',
        ),
        (
            f"POST {TWO}:regress",
            '{"signature_name": "regress_x_to_y", "context": {"x": 8.0}, "examples": [{"x": 2.0}, {}]}',
            200,
            '{"results":[3.0,6.0]}',
        ),
        (
            f"POST {TWO}:regress",
            '{"context": 5, "examples": [{}]}',
            400,
            "Example must be JSON object but got JSON Number",
        ),
    ],
    "examples": [
        bad_document('{"instances": [1]}', "When method is classify, key 'examples' is expected and was not found"),
        bad_document('{"examples": {"x": 2.0}}', "Expecting 'examples' value to be an list/array"),
        bad_document('{"examples": []}', "'examples' value is an empty array"),
        bad_document(
            '{"signature_name": [], "examples": []}',
            "not formatted correctly. 'signature_name' key must be a string value.",
        ),
        (f"POST {TWO}:classify", "", 400, "JSON Parse error: The document is empty"),
        regress("[[2.0]]", 400, "Example must be JSON object but got JSON Array"),
        regress("[null]", 400, "Example must be JSON object but got JSON Null"),
        regress('[{"x": null}]', 400, "Feature: x has element with unexpected JSON type: Null"),
        regress('[{"x": {"y": 1}}]', 400, "Feature: x has element with unexpected JSON type: Object"),
        regress('[{"x": [[1.0]]}]', 400, "Feature: x has element with unexpected JSON type: Array"),
        regress('[{"x": [1, 2.5]}]', 400, "Unexpected element type in feature: x expecting type: int64"),
        regress('[{"x": [2.5, true]}]', 400, "Unexpected element type in feature: x expecting type: float"),
        regress('[{"x": ["a", 1]}]', 400, "Unexpected element type in feature: x expecting type: bytes"),
        regress('[{"x": 9223372036854775808}]', 400, "Feature: x has uint64 element. Only int64 is supported."),
        regress('[{"x": {"b64": "?"}}]', 400, "Unable to base64 decode"),
    ],
    "signature": [
        classify('[{"x": 2.0}]', 400, "No signature was found with the name: z", TWO, "z"),
        regress('[{"x": 2.0}]', 400, "No signature was found with the name: z", TWO, "z"),
        refused("two_inputs", "Expected one input Tensor."),
        refused("three_outputs", "Expected one or two output Tensors, found 3"),
        refused("number_input", "Expects arg[0] to be float but string is provided"),
        refused("flat_classes", "Expected Tensor shape: [batch_size num_classes] but got [2]"),
        refused("flat_scores", "Expected Tensor shape: [batch_size num_classes] but got [2]"),
        refused("number_classes", "Expected classes Tensor of DT_STRING. Got: DT_INT64"),
        refused("double_scores", "Expected scores Tensor of DT_FLOAT. Got: DT_DOUBLE"),
        refused("fewer_classes", "Expected classes output batch size of 2. Got: 1"),
        refused("fewer_scores", "Expected scores output batch size of 2. Got: 1"),
        refused("fewer_labels", "Tensors class and score should match in dim_size(1). Got 1 vs. 2"),
        refused_regress("two_inputs", "Expected one input Tensor."),
        refused_regress("two_outputs", "Expected one output Tensor."),
        refused_regress(
            "wide_outputs",
            "Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got [2,2]",
        ),
        refused_regress("fewer_outputs", "Input batch size did not match output batch size: 2 vs. 1"),
        refused_regress("int_outputs", "Expected output Tensor of DT_FLOAT.  Got: DT_INT32"),
    ],
}


@table(ROWS)
def test_examples(rest: Any, case: Case) -> None:
    check(rest, case)


@table(
    {
        "begins with": [
            classify("[{}]", 400, "No classification inputs found in SignatureDef: inputs {", ODD, "other_input"),
            classify(
                "[{}]",
                400,
                'Expected classification signature outputs to contain at least one of "classes" or "scores".'
                " Signature was: inputs {",
                ODD,
                "other_output",
            ),
            regress("[{}]", 400, "No regression inputs found in SignatureDef: inputs {", ODD, "other_regress_input"),
            regress("[{}]", 400, "No regression outputs found in SignatureDef: inputs {", ODD, "other_regress_output"),
            regress('[{"x": 2}]', 400, "Data types don't match. Data type: int64 but expected type: float"),
            regress('[{"y": 2.0}]', 400, "Feature: x (data type: float) is required but could not be found."),
        ]
    }
)
def test_errors_that_end_with_more(rest: Any, case: Case) -> None:
    method, _, path = case.request.partition(" ")
    assert case.body is not None
    answer = rest(method, path, str(case.body).encode())
    assert answer.status == case.status
    assert case.answer in answer.error


def test_all_kinds_of_features_reach_the_model(rest: Any) -> None:
    """Bytes that are no text, base64, true and false: all parsed back by TensorFlow."""
    body = (
        b'{"signature_name": "features", "examples": [{"bytes": ["\xff\xfe", {"b64": "AAE="}],'
        b' "numbers": [true, false, -5, 7], "none": []}]}'
    )
    answer = rest("POST", "/v1/models/half_plus_three:classify", body)
    assert (answer.status, answer.json) == (
        200,
        {"results": [[["255254", 0.0], ["000001", 0.0], ["1", 0.0], ["0", 0.0], ["-5", 0.0], ["7", 0.0]]]},
    )


def test_a_name_that_is_no_text(rest: Any) -> None:
    answer = rest("POST", f"{TWO}:regress", b'{"signature_name": "regress_x_to_y", "examples": [{"\xff": 1}]}')
    assert answer.status == 400
    assert "has a name that is not UTF-8" in answer.error
