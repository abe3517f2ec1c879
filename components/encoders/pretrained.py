"""A pretrained BERT that all towers share: word pieces → layers → mean over the tokens → unit vector."""

from collections.abc import Sequence

import keras
import tensorflow as tf

from components.encoders.bert import Block, Embeddings, layout_of
from components.encoders.preset import Pooling, read_preset, read_vocabulary
from components.encoders.safetensors import read_tensors
from components.encoders.settings import PretrainedSettings
from components.encoders.shared import Body, SharedTower
from components.encoders.tower import Tower
from components.encoders.wordpiece import WordPieces
from components.errors import UserError
from components.losses.scores import unit_vectors

_GROUP = 32  # texts that are encoded together when nothing is learnt


class Bert(Body):
    """What the towers share."""

    adapt_rows = 2_000

    def __init__(self, settings: PretrainedSettings, name: str) -> None:
        super().__init__(settings.rate, settings.layer_decay, name)
        preset = read_preset(settings.preset)
        tensors = read_tensors(preset.folder / "model.safetensors")
        weights = {name.removeprefix("bert."): tensor for name, tensor in tensors.items()}
        try:
            self.embeddings = Embeddings(preset, weights, name=f"{name}_embeddings")
            self.blocks = [
                Block(preset, weights, number, settings.dropout, name=f"{name}_layer{number}")
                for number in range(preset.layers)
            ]
        except KeyError as error:
            raise UserError(f"{preset.folder}/model.safetensors has no tensor {error.args[0]}") from None
        vocabulary, known = read_vocabulary(preset.folder), self.embeddings.words.shape[0]
        if len(vocabulary) > known:
            raise UserError(
                f"{preset.folder}: vocab.txt has {len(vocabulary)} word pieces, but model.safetensors knows {known}"
            )
        self.pieces = WordPieces(
            vocabulary,
            lower_case=preset.lower_case,
            max_tokens=settings.max_tokens or preset.max_tokens,
        )
        self.pooling: Pooling = preset.pooling
        self.width = preset.width
        self.add_projection(preset.width, settings.dimensions)
        self.embeddings.trainable = not (settings.frozen_embeddings or settings.frozen_layers)
        for block in self.blocks[: settings.frozen_layers]:
            block.trainable = False
        self.built = True

    def call(self, ids: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Unit vectors, float32[N, dimensions], of padded word pieces, int32[N, T]."""
        pooled = self._pool(ids, training=True) if training else self.pooled(ids)
        return unit_vectors(self.project(pooled))

    def featurize(self, raw: tf.Tensor) -> tf.Tensor:
        """Padded word pieces, int32[N, T]."""
        return self.pieces(raw)

    def pooled(self, ids: tf.Tensor) -> tf.Tensor:
        """One vector for each text, float32[N, width], of padded word pieces, int32[N, T].

        Texts go through in groups of the like length, so that many of them need no more memory than _GROUP do.
        """
        lengths = tf.math.count_nonzero(tf.not_equal(ids, self.pieces.padding), axis=1)
        order = tf.argsort(lengths)
        rows = tf.shape(ids)[0]
        groups = tf.maximum((rows + _GROUP - 1) // _GROUP, 1)

        def step(number: tf.Tensor, vectors: tf.TensorArray) -> tuple[tf.Tensor, tf.TensorArray]:
            members = order[number * _GROUP : (number + 1) * _GROUP]
            longest = tf.reduce_max(tf.concat([tf.gather(lengths, members), [1]], axis=0))
            return number + 1, vectors.write(number, self._pool(tf.gather(ids, members)[:, :longest], training=False))

        vectors = tf.TensorArray(tf.float32, groups, element_shape=[None, self.width], infer_shape=False)
        _, vectors = tf.while_loop(lambda number, _: number < groups, step, (0, vectors), parallel_iterations=1)
        return tf.gather(vectors.concat(), tf.argsort(order))

    def _pool(self, ids: tf.Tensor, *, training: bool) -> tf.Tensor:
        layout = layout_of(tf.not_equal(ids, self.pieces.padding))
        tokens = self.embeddings(tf.gather(tf.reshape(ids, [-1]), layout.places), layout.positions)
        for block in self.blocks:
            tokens = block(tokens, layout, training=training)
        if self.pooling == "cls":
            return tf.gather(tokens, layout.tokens[:, 0])
        return tf.math.unsorted_segment_mean(tokens, layout.texts, tf.shape(ids)[0])

    def depths(self) -> list[list[keras.layers.Layer]]:
        """Embeddings and layers."""
        return [[layer] for layer in (self.embeddings, *self.blocks)]


def build_towers(settings: PretrainedSettings, names: Sequence[str]) -> dict[str, Tower]:
    """Towers that share everything."""
    bert = Bert(settings, name="_".join([*names, "bert"]))
    return {name: SharedTower(bert, settings.vector_size, name) for name in names}
