"""What every step's container runs: TFX's executor, told what it wants to know by what KFP's launcher knows.

`portable` writes the command line. TFX would run `kubeflow_v2_run_executor` here, which is made for Vertex AI. KFP's
driver and launcher (kubeflow/pipelines, backend/src/v2) leave it with artifacts without a type or with one of `system.*`,
with URIs of an object store whose files lie in a folder, and with an ExampleGen whose driver nobody runs.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from components.errors import UserError
from kubeflow.mounts import Mounts

MOUNTS = "ANCHORLINE_MOUNTS"
"""Environment variable: the folder in which object stores are mounted, where that is not the root."""

Json = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one step; the exit code is 0 if it did its work.

    A failure is one sentence where a user can mend it, and a traceback where not; it goes to the log of the step.
    """
    options, beam_args = _parser().parse_known_args(argv)
    try:
        run(options, beam_args, Mounts(os.environ.get(MOUNTS, "/")))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    except Exception:  # noqa: BLE001  all that is left is to say so and to fail
        traceback.print_exc()
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m kubeflow.entry", allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True, help="TFX executor to run.")
    parser.add_argument("--executor_input", required=True, type=json.loads, help="What the launcher puts for {{$}}.")
    parser.add_argument("--component_spec", required=True, type=json.loads, help="The component with TFX's types.")
    parser.add_argument("--example_gen_driver", action="store_true", help="Find the data before the executor runs.")
    parser.add_argument("--code_version", help="Makes the cache notice an edit; nothing reads it.")
    return parser


def run(options: argparse.Namespace, beam_args: Sequence[str], mounts: Mounts) -> None:
    """Mend the executor input, run the executor, and mend the output file."""
    executor_input = with_types(options.executor_input, options.component_spec)
    executor_input = mounts.localize(executor_input)
    output_file = Path(executor_input["outputs"]["outputFile"])
    inputs_spec = options.component_spec.get("inputDefinitions", {})
    if options.example_gen_driver:
        executor_input = _driven(executor_input, inputs_spec)
    _execute(options.executor_class_path, executor_input, inputs_spec, beam_args)
    output = json.loads(output_file.read_text(encoding="utf-8"))
    incoming = output_file.with_name(f".{output_file.name}.incoming")
    incoming.write_text(json.dumps(mounts.publish(output)), encoding="utf-8")
    incoming.replace(output_file)


def with_types(executor_input: Json, component_spec: Json) -> Json:
    """The executor input with TFX's type on every artifact, and with no artifact that TFX does not know.

    What the launcher says is not looked at. It may be nothing, an empty schema, one of `system.*`, or a word like
    "Artifact"; which of them depends on the server's version. A launcher that keeps logs adds an output `executor-logs`.
    """
    mended = dict(executor_input)
    for side, definitions in (("inputs", "inputDefinitions"), ("outputs", "outputDefinitions")):
        given = executor_input.get(side, {}).get("artifacts", {})
        known = component_spec.get(definitions, {}).get("artifacts", {})
        artifacts = {
            name: {
                "artifacts": [one | {"type": known[name]["artifactType"]} for one in given[name].get("artifacts", [])]
            }
            for name in known
            if name in given
        }
        mended[side] = executor_input.get(side, {}) | {"artifacts": artifacts}
    return mended


def _execute(class_path: str, executor_input: Json, inputs_spec: Json, beam_args: Sequence[str]) -> None:
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor

    arguments = argparse.Namespace(
        executor_class_path=class_path,
        json_serialized_invocation_args=json.dumps(executor_input),
        json_serialized_inputs_spec_args=json.dumps(inputs_spec),
    )
    kubeflow_v2_run_executor.main((arguments, list(beam_args)))


def _driven(executor_input: Json, inputs_spec: Json) -> Json:
    from kubeflow.example_gen_driver import drive

    return drive(executor_input, inputs_spec)


def leave(code: int) -> None:
    """End the process without the interpreter's own end, at which threads of TensorFlow and Beam may still crash it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    leave(main())
