"""A server computes with oneDNN's kernels on every processor, unless it is told otherwise."""

import os
import subprocess
import sys

import pytest

VARIABLE = "TF_ENABLE_ONEDNN_OPTS"

START = """
import sys, types

def run(flags):
    import serving.server.session_model
    from tensorflow.python.util import _pywrap_util_port
    print(_pywrap_util_port.IsMklEnabled())

sys.modules["serving.server.app"] = types.SimpleNamespace(run=run)
sys.argv = ["anchorline-model-server", "--model_name=m", "--model_base_path=/m"]
from serving.server.__main__ import main
main()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="TensorFlow has oneDNN for Linux alone")
@pytest.mark.parametrize(("set_to", "expected"), [(None, "True"), ("0", "False"), ("1", "True")])
def test_onednn(set_to: str | None, expected: str) -> None:
    variables = {name: value for name, value in os.environ.items() if name != VARIABLE}
    if set_to is not None:
        variables[VARIABLE] = set_to
    shown = subprocess.run([sys.executable, "-c", START], env=variables, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == expected
