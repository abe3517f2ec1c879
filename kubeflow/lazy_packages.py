"""Packages whose `__init__` imports far more than a step needs, made to wait until something of theirs is asked for.

A step imports `tfx.components.pusher.executor`; Python first runs `tfx/components/__init__.py`, which imports every
component there is, and with them TensorFlow Model Analysis and Beam. Once `defer` was called submodules are found
without that, and the first other name that is looked up in the package runs its `__init__` after all.
"""

import sys
from collections.abc import Iterable
from importlib import import_module
from importlib.util import find_spec, module_from_spec

HEAVY = ("tfx.components", "tensorflow_model_analysis")
"""Those that cost a step two to three seconds; see benchmarks/step_start.py."""


def defer(names: Iterable[str] = HEAVY) -> None:
    """Let packages wait; those that are imported already stay as they are."""
    for name in names:
        if name not in sys.modules:
            _defer(name)


def _defer(name: str) -> None:
    spec = find_spec(name)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"no package {name}", name=name)
    module, loader = module_from_spec(spec), spec.loader
    parent, _, last = name.rpartition(".")

    def load(attribute: str) -> object:
        if attribute.startswith("__"):  # questions of the import system and of inspect
            raise AttributeError(attribute)
        if find_spec(f"{name}.{attribute}") is not None:  # as in `from package import submodule`
            return import_module(f"{name}.{attribute}")
        del module.__getattr__
        loader.exec_module(module)
        return getattr(module, attribute)

    module.__getattr__ = load  # type: ignore[method-assign]  # of a module it is a function
    sys.modules[name] = module
    if parent:
        setattr(sys.modules[parent], last, module)
