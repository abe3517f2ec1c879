"""`anchorline serve`: the model server over the pushed models of one or more pipelines."""

import os
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence

from components.errors import UserError
from components.versions import newest_version
from pipeline.config import PipelineConfig
from serving.process import model_server_config


def serve(configs: Sequence[PipelineConfig], host: str, port: int, rest_port: int) -> None:
    """Become the model server; returns only by raising.

    Raises:
        UserError: a model was not pushed yet, or two pipelines have one name.
    """
    for config in configs:
        if newest_version(config.serving_folder) is None:
            raise UserError(f"{config.serving_folder}: no version was pushed yet; `anchorline run` makes one")
    twice = [name for name, count in Counter(config.name for config in configs).items() if count > 1]
    if twice:
        raise UserError(f"two of the pipelines are named {twice[0]}; a model server tells models apart by name")
    descriptor, models = tempfile.mkstemp(prefix="anchorline-serve-", suffix=".config")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(model_server_config({config.name: config.serving_folder for config in configs}))
    flags = [f"--host={host}", f"--port={port}", f"--rest_api_port={rest_port}", f"--model_config_file={models}"]
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "serving.server", *flags])  # noqa: S606  no shell is wanted
