"""Training on several devices or machines: one strategy of tf.distribute around what one process does.

Keras 3.15's own `fit` cannot do it for these models. Under MultiWorkerMirroredStrategy it takes the mean of scalars
over an axis that they do not have (keras-team/keras#20585). Under MirroredStrategy it looks at the mean of a batch,
which sparse features and labels that are truths do not have. What `distribute` puts into a compiled model avoids both;
all else is Keras's.
"""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache
from typing import Any

import keras
import tensorflow as tf

from components.errors import UserError
from components.train.settings import Distribute
from components.train.validation import Scores, Validation

CLUSTER = "TF_CONFIG"
"""Environment variable: TensorFlow's description of the cluster, and which of its workers this process is."""


@cache  # a second one in a process would give its collective operations numbers that are taken
def strategy_of(distribute: Distribute) -> tf.distribute.Strategy | None:
    """The strategy that a config names; several workers must be asked for before TensorFlow computes anything.

    Raises:
        UserError: the cluster is not described, or not as it must be.
    """
    match distribute:
        case "mirrored":
            devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
            return tf.distribute.MirroredStrategy([device.name for device in devices])
        case "multi_worker":
            cluster()
            return tf.distribute.MultiWorkerMirroredStrategy()
        case _:
            return None


def scope(distribute: Distribute) -> AbstractContextManager[Any]:
    """Context in which a model is made and fit; what is exported beside it is made outside."""
    strategy = strategy_of(distribute)
    return strategy.scope() if strategy else nullcontext()


def cluster() -> tuple[Sequence[str], int]:
    """Addresses of the workers, and which of them this process is; worker 0 is the chief.

    Raises:
        UserError: TF_CONFIG is missing, or does not describe a cluster of workers.
    """
    text = os.environ.get(CLUSTER)
    example = '{"cluster": {"worker": ["a:2222", "b:2222"]}, "task": {"type": "worker", "index": 0}}'
    if text is None:
        raise UserError(f"train.distribute is multi_worker, but {CLUSTER} is not set; it must look like {example}")
    try:
        content = json.loads(text)
        workers, task = content["cluster"]["worker"], content["task"]
        known = set(content["cluster"]) == {"worker"} and task["type"] == "worker"
        if not known or not isinstance(workers, list) or task["index"] not in range(len(workers)):
            raise ValueError("a cluster of workers alone, and the index of one of them")
    except (ValueError, KeyError, TypeError):
        raise UserError(f"{CLUSTER}: got {text}; it must look like {example}") from None
    return workers, task["index"]


def replicas() -> int:
    """How many copies of the model learn at once, each from its share of every batch."""
    return int(tf.distribute.get_strategy().num_replicas_in_sync)


def is_chief(distribute: Distribute) -> bool:
    """Whether this process is the one that exports."""
    return distribute != "multi_worker" or cluster()[1] == 0


def distributed(make: Callable[[tf.distribute.InputContext], tf.data.Dataset], batch_size: int) -> Any:
    """A dataset of batches for `fit`: `make` is asked for each process's share.

    Raises:
        UserError: the batches cannot be shared out evenly.
    """
    if batch_size % replicas():
        raise UserError(
            f"train.batch_size is {batch_size}; with {replicas()} replicas it must be a multiple of {replicas()}"
        )
    if not tf.distribute.has_strategy():
        return make(tf.distribute.InputContext())
    return tf.distribute.get_strategy().distribute_datasets_from_function(make)


def distribute(model: keras.Model, validation: Validation) -> "Agreed":
    """Prepare a compiled model, made in the scope of the strategy, for `fit` with the validation that this returns."""
    strategy = tf.distribute.get_strategy()
    validation.set_model(model)
    validation.evaluate()  # variables must be there before replicas run; batches must not be touched, see `data`
    model.optimizer.build(model.trainable_variables)

    @tf.function(autograph=False)
    def train(iterator: Any) -> Mapping[str, tf.Tensor]:
        logs = strategy.run(model.train_step, args=(next(iterator),))
        return {name: strategy.reduce("MEAN", value, axis=None) for name, value in logs.items()}

    model.train_function = train
    model._distribute_strategy = None  # or else fit takes the mean of a batch; without, it takes the current strategy
    return Agreed(validation)


def averaging() -> Callable[[tf.Tensor], tf.Tensor]:
    """A function that returns the mean over all replicas of what each process gives it."""
    strategy = tf.distribute.get_strategy()

    def averaged(value: tf.Tensor) -> tf.Tensor:
        return strategy.experimental_local_results(strategy.run(_mean, (value,)))[0]

    return tf.function(averaged, autograph=False)


class Agreed(Validation):
    """A validation on which all replicas agree, so that all keep the same epoch and stop after the same.

    Before it, weights that are not trained by gradient, which each replica moves by itself (the statistics of batch
    normalisation, centres), become their mean over the replicas; after it, so do the scores.

    Args:
        validation: what scores the model in one process.
    """

    def __init__(self, validation: Validation) -> None:
        super().__init__()
        self.validation = validation

    def set_model(self, model: keras.Model) -> None:
        """Prepare both."""
        super().set_model(model)
        self.validation.set_model(model)
        strategy = tf.distribute.get_strategy()
        moving = [value for value in model.non_trainable_variables if value.dtype.startswith("float")]

        def level() -> None:
            for value in moving:
                value.assign(_mean(tf.convert_to_tensor(value)))

        self._level = tf.function(lambda: strategy.run(level), autograph=False)
        self._mean = averaging()

    def evaluate(self) -> Scores:
        """The mean of the scores."""
        self._level()
        scores = self.validation.evaluate()
        return dict(
            zip(scores, self._mean(tf.constant(list(scores.values()), tf.float64)).numpy().tolist(), strict=True)
        )

    def merit(self, scores: Mapping[str, float]) -> float:
        """As the validation says."""
        return self.validation.merit(scores)


def _mean(value: tf.Tensor) -> tf.Tensor:
    return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.MEAN, tf.identity(value))
