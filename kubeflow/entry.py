"""What every step's container runs: TFX's executor, told what it wants to know by what KFP's launcher knows.

`portable` writes the command line. TFX would run `kubeflow_v2_run_executor` here, which is made for Vertex AI. KFP's
driver and launcher (kubeflow/pipelines, backend/src/v2) leave it with artifacts without a type or with one of
`system.*`, with URIs of an object store whose files lie in a folder, and with an ExampleGen whose driver nobody runs.
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
from kubeflow.lazy_packages import defer
from kubeflow.mounts import Mounts
from serving.whole_file import write_whole

MOUNTS = "ANCHORLINE_MOUNTS"
"""Environment variable: the folder in which object stores are mounted, where that is not the root."""

WHOLE = ("components.evaluate.executor.Executor",)
"""Executors that need all of TFX: `tfx.components` completes TensorFlow Model Analysis as it is imported."""

Json = dict[str, Any]


def main(argv: Sequence[str] | None = None) -> int:
    """Run one step; the exit code is 0 if it did its work.

    A failure is one sentence where a user can mend it, and a traceback where not; it goes to the log of the step.
    """
    options, beam_args = _parser().parse_known_args(argv)
    if options.executor_class_path not in WHOLE:
        defer()
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
    """Mend the executor input, run the executor, and write the output file for the launcher."""
    executor_input = mounts.localize(with_types(options.executor_input, options.component_spec))
    inputs_spec = options.component_spec.get("inputDefinitions", {})
    if options.example_gen_driver:
        from kubeflow.example_gen_driver import drive

        executor_input = drive(executor_input, inputs_spec)
    from kubeflow.execute import execute

    output = mounts.publish(execute(options.executor_class_path, executor_input, inputs_spec, beam_args))
    file = Path(executor_input["outputs"]["outputFile"])
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, json.dumps(output))


def with_types(executor_input: Json, component_spec: Json) -> Json:
    """The executor input with TFX's type on every artifact, and with no artifact that TFX does not know.

    What the launcher says of types is not looked at. It may be nothing, an empty schema, one of `system.*` or a word
    like "Artifact", by the server's version. A launcher that keeps logs adds an output of its own, `executor-logs`.
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


def leave(code: int) -> None:
    """End the process without the interpreter's own end, at which threads of TensorFlow and Beam may still crash it."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


if __name__ == "__main__":
    os.environ["_KFP_RUNTIME"] = "true"  # KFP's own switch: of its package only what a step needs
    leave(main())
