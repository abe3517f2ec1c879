"""Packages that wait, in a process of its own each, because what is imported stays imported."""

import subprocess
import sys
from pathlib import Path

import pytest

CHECKS = {
    "a submodule alone": """
import heavy.inner.leaf
assert heavy.inner.leaf.VALUE == 7 and "heavy.extra" not in sys.modules
""",
    "a submodule by from": """
from heavy.inner import leaf
from heavy import inner
assert leaf.VALUE == 7 and "heavy.extra" not in sys.modules
""",
    "a name runs the rest": """
import heavy.inner.leaf
assert heavy.NAME == "whole" and "heavy.extra" in sys.modules
from heavy import NAME
assert heavy.inner.leaf.VALUE == 7
""",
    "an unknown name": """
import heavy
try:
    heavy.nothing
except AttributeError as error:
    assert "nothing" in str(error)
else:
    raise AssertionError
""",
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
def test_it_runs_when_it_is_needed_and_not_before(tmp_path: Path, check: str) -> None:
    package = tmp_path / "heavy" / "inner"
    package.mkdir(parents=True)
    (tmp_path / "heavy" / "__init__.py").write_text("import heavy.extra\nNAME = 'whole'\n")
    (tmp_path / "heavy" / "extra.py").write_text("")
    (package / "__init__.py").write_text("")
    (package / "leaf.py").write_text("VALUE = 7\n")
    code = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nfrom kubeflow.lazy_packages import defer\n"
    code += f"defer(['heavy'])\n{check}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.end_to_end
def test_a_push_imports_neither_beam_nor_model_analysis() -> None:
    code = """
import sys
from kubeflow.lazy_packages import defer
defer()
import components.push.executor, kubeflow.execute
assert "apache_beam" not in sys.modules
assert "tensorflow_model_analysis.api" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_a_package_that_is_not_there_is_named() -> None:
    code = "from kubeflow.lazy_packages import defer; defer(['no_such_package'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "no package no_such_package" in done.stderr
