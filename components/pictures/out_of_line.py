"""Keeps rarely used operations out of the graph that calls them."""

from collections.abc import Callable

import tensorflow as tf


def out_of_line(function: Callable[[tf.Tensor], tf.Tensor]) -> Callable[[tf.Tensor], tf.Tensor]:
    """A function of a string scalar as one operation of the graph, instead of a copy of its own operations.

    In a loop over small pictures TensorFlow steps over every operation of every branch that is not taken; that took as
    long as the branch that was.
    """
    return tf.function(
        function,
        input_signature=[tf.TensorSpec([], tf.string)],
        autograph=False,
        experimental_attributes={"_noinline": True},
    )
