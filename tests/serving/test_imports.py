"""What each part may import: seconds of start-up and the size of an image depend on it."""

import subprocess
import sys

import pytest

HEAVY = {"tensorflow", "tensorflow_serving", "tfx", "apache_beam", "keras", "pydantic"}


def heavy_imports(module: str) -> set[str]:
    program = f"import sys, {module}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return HEAVY & set(done.stdout.split())


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("serving.server.app", {"tensorflow", "tensorflow_serving"}),
        ("serving.server.__main__", set()),
        ("serving.process", set()),
        ("serving.client", set()),
        ("serving.server.json_tensor", set()),
        ("serving.server.models", set()),
    ],
)
def test_imports(module: str, allowed: set[str]) -> None:
    assert heavy_imports(module) == allowed
