"""The model that all servers serve, and its speed without any: `python -m benchmarks.served_encoder TASK FOLDER`."""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.originals import LSTM, VOCABULARY

TEXT = "How long does it take until I get a building permit for a shed in my garden?"
SIGNATURE = "question"
BATCH = 16
SECONDS = 2.0


def build(folder: str) -> None:
    """Write an untrained LSTM encoder of texts; what it answers takes as long as what a trained one does."""
    import tensorflow as tf

    from components.losses.scores import unit_vectors
    from components.train.export import export

    words = [*TEXT.lower().rstrip("?").split(), *(f"word{number}" for number in range(VOCABULARY))]
    with tempfile.TemporaryDirectory() as temporary:
        vocabulary = Path(temporary) / "tokens"
        vocabulary.write_text("".join(f"{word}\n" for word in dict.fromkeys(words)))
        tower = LSTM.build(["question", "answer"], str(vocabulary))["question"]

        def question(raw: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"vector": unit_vectors(tower(tower.featurize(raw)))}

        def evaluate(examples: tf.Tensor) -> dict[str, tf.Tensor]:
            return {"bytes": tf.strings.length(examples)}

        tower(tower.featurize(tf.constant([TEXT])))
        export([tower], {SIGNATURE: ("text", question)}, SIGNATURE, evaluate, folder)


def limit(folder: str) -> tuple[float, float]:
    """Rows a second in one process and one thread, one row a run and BATCH rows a run."""
    from serving.server.kernels import prefer_onednn

    prefer_onednn()
    from serving.server.session_model import SessionModel

    model = SessionModel(Path(folder))
    return _rate(model, 1), _rate(model, BATCH)


def _rate(model: object, rows: int) -> float:
    texts = [np.array([TEXT.encode()] * rows, object)]
    run = model.run  # type: ignore[attr-defined]
    for _ in range(100):
        run(SIGNATURE, ("vector",), texts)
    runs, start = 0, time.monotonic()
    while (seconds := time.monotonic() - start) < SECONDS:
        run(SIGNATURE, ("vector",), texts)
        runs += 1
    return runs * rows / seconds


def main() -> None:
    """Run one of the tasks."""
    task, folder = sys.argv[1:]
    if task == "build":
        build(folder)
    else:
        print(*limit(folder))


if __name__ == "__main__":
    main()
