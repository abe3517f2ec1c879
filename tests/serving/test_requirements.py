"""serving/requirements.txt, from which the server's image is made: what serving/ imports, and nothing else."""

import ast
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

FOLDER = Path(__file__).parents[2] / "serving"


def imported() -> set[str]:
    """Distributions of all that is imported anywhere under serving/, from elsewhere than Python and serving/ itself."""
    names: set[str] = set()
    for file in FOLDER.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module)
    tops = {name.partition(".")[0] for name in names if not name.startswith("google.protobuf")}
    assert "google" not in tops
    others = tops - sys.stdlib_module_names - {"serving"}
    owners = packages_distributions()
    unseen = {"protobuf", "tensorflow-text"}  # the latter's ops are loaded without an import, by server/text_ops.py
    return {owners[top][0].lower().replace("_", "-") for top in others} | unseen


def test_it_lists_what_is_imported() -> None:
    lines = (FOLDER / "requirements.txt").read_text(encoding="utf-8").splitlines()
    assert {line for line in lines if not line.startswith("#")} == imported()
