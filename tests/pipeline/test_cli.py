import subprocess
import sys

LOADED = """
import sys
sys.argv = ["anchorline", "--help"]
from pipeline.cli import main
try:
    main()
except SystemExit as end:
    assert end.code == 0
heavy = {"tensorflow", "keras", "tfx", "apache_beam", "numpy", "sklearn"} & set(sys.modules)
assert not heavy, heavy
"""


def test_help_loads_nothing_heavy() -> None:
    result = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    for command in ("run", "ask", "classify", "similar", "report", "serve", "runs", "data", "schedule", "rollback"):
        assert f" {command} " in result.stdout
