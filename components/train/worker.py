"""One worker of a training on several machines: `python -m components.train.worker FOLDER`, each with its TF_CONFIG.

The Trainer step, on the machine of worker 0, puts data and job into the folder, `train.shared_folder` of the config,
and starts the chief as a process of its own, because TensorFlow joins a cluster only before it computes anything. The
others, started before or after, wait for the job. When all are done the chief has exported, and the folder is empty.
"""

import argparse
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import tensorflow as tf

from components.errors import UserError
from components.train.distribute import CLUSTER, cluster
from components.train.files import Files
from components.train.job import Job, run
from components.train.rows import names_of

JOB = "job.json"
DATA = "data"
_PAUSE = 0.5


def run_with_workers(job: Job) -> None:
    """Be the chief: share the job, train in a process of its own, and clean up.

    Raises:
        UserError: TF_CONFIG does not say that this machine is worker 0, or the chief failed.
    """
    workers, index = cluster()
    folder = job.settings.train.shared_folder
    assert folder is not None, "the settings were checked"  # noqa: S101
    if index:
        raise UserError(
            f"{CLUSTER} says that this machine is worker {index}; the pipeline runs on that of worker 0, "
            f"and here runs python -m components.train.worker {folder}"
        )
    with _shared(job, folder):
        command = [sys.executable, "-m", "components.train.worker", folder]
        code = subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode
    if code:
        raise UserError(f"worker 0 of {len(workers)} ended with code {code}; the log of the step says why")


@contextmanager
def _shared(job: Job, folder: str) -> Iterator[None]:
    _clear(folder)
    tf.io.gfile.makedirs(folder)
    try:
        given, data = job.files, f"{folder}/{DATA}"
        files = Files(
            train=_copied(given.train, f"{data}/train"),
            validation=_copied(given.validation, f"{data}/validation"),
            test=_copied(given.test, f"{data}/test"),
            vocabulary="".join(_copied([given.vocabulary], f"{data}/vocabulary")),
            labels="".join(_copied([given.labels], f"{data}/labels")),
        )
        incoming = f"{folder}/.{JOB}.incoming"
        with tf.io.gfile.GFile(incoming, "w") as file:
            file.write(job.model_copy(update={"files": files}).model_dump_json())
        tf.io.gfile.rename(incoming, f"{folder}/{JOB}", overwrite=True)
        yield
    finally:
        _clear(folder)


def _clear(folder: str) -> None:
    if tf.io.gfile.exists(f"{folder}/{JOB}"):
        tf.io.gfile.remove(f"{folder}/{JOB}")
    if tf.io.gfile.exists(f"{folder}/{DATA}"):
        tf.io.gfile.rmtree(f"{folder}/{DATA}")


def _copied(patterns: Sequence[str], folder: str) -> list[str]:
    """Copies of all files that match some patterns, under names that keep their order."""
    names = names_of([pattern for pattern in patterns if pattern])
    tf.io.gfile.makedirs(folder)
    copies = [f"{folder}/{number:05}" for number in range(len(names))]
    for name, copy in zip(names, copies, strict=True):
        tf.io.gfile.copy(name, copy, overwrite=True)
    return copies


def main(argv: Sequence[str] | None = None) -> int:
    """Wait for the job and do this worker's part of it; the exit code is 0 if that went well."""
    description = (__doc__ or "").partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m components.train.worker", description=description)
    parser.add_argument("folder", help="train.shared_folder of the config.")
    parser.add_argument("--wait", type=float, default=86_400, metavar="SECONDS", help="Give up when no job comes.")
    options = parser.parse_args(argv)
    try:
        run(_wait_for_job(f"{options.folder}/{JOB}", options.wait))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return 0


def _wait_for_job(path: str, seconds: float) -> Job:
    cluster()
    end = time.monotonic() + seconds
    while not tf.io.gfile.exists(path):
        if time.monotonic() > end:
            raise UserError(f"{path}: no job came within {seconds:g} s")
        time.sleep(_PAUSE)
    with tf.io.gfile.GFile(path) as file:
        return Job.model_validate_json(file.read())


if __name__ == "__main__":
    sys.exit(main())
