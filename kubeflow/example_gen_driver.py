"""The driver of ingest, which Vertex AI runs before a step and KFP does not: finds the data and fingerprints it."""

import argparse
import json
from pathlib import Path
from typing import Any

from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver

from components.ingest.component import settle

Json = dict[str, Any]


def drive(executor_input: Json, inputs_spec: Json) -> Json:
    """Settle where the data is, then run TFX's driver, which writes what it finds into the output file.

    Returns:
        The executor input with what was settled and found among the parameters, and span and fingerprint of the data on
        the examples.

    Raises:
        DataError: the data is not there or cannot be used.
    """
    inputs, outputs = executor_input["inputs"], executor_input["outputs"]
    settled = inputs | {"parameterValues": settle(inputs["parameterValues"])}
    driven = executor_input | {"inputs": settled}
    output_file = Path(outputs["outputFile"])
    output_file.unlink(missing_ok=True)  # of an earlier attempt in the same container
    arguments = {
        "json_serialized_invocation_args": json.dumps(driven),
        "json_serialized_inputs_spec_args": json.dumps(inputs_spec),
    }
    driver.main(argparse.Namespace(**arguments))
    found = json.loads(output_file.read_text(encoding="utf-8"))
    artifacts = {
        name: {"artifacts": [_described(one, found["artifacts"][name]["artifacts"][0]) for one in value["artifacts"]]}
        for name, value in outputs["artifacts"].items()
    }
    parameters = settled["parameterValues"] | found["parameterValues"]
    return driven | {
        "inputs": settled | {"parameterValues": parameters},
        "outputs": outputs | {"artifacts": artifacts},
    }


def _described(artifact: Json, found: Json) -> Json:
    return artifact | {"metadata": artifact.get("metadata", {}) | found.get("metadata", {})}
