"""A pretrained BERT that all towers share: word pieces → layers → mean over the tokens → unit vector."""

from collections.abc import Iterable, Mapping, Sequence

import keras
import tensorflow as tf

from components.encoders.bert import Block, Embeddings, layout_of
from components.encoders.directions import main_directions
from components.encoders.preset import Pooling, read_preset, read_vocabulary
from components.encoders.safetensors import read_tensors
from components.encoders.settings import PretrainedSettings
from components.encoders.tower import Tower
from components.encoders.wordpiece import WordPieces
from components.errors import UserError
from components.losses.scores import unit_vectors

_ADAPT_TEXTS = 2_000  # to find a projection with
_GROUP = 32  # texts that are encoded together when nothing is learnt


class Bert(keras.layers.Layer):
    """What the towers share."""

    def __init__(self, settings: PretrainedSettings, name: str) -> None:
        super().__init__(name=name)
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
        self.pieces = WordPieces(
            read_vocabulary(preset.folder),
            lower_case=preset.lower_case,
            max_tokens=settings.max_tokens or preset.max_tokens,
        )
        self.pooling: Pooling = preset.pooling
        self.width = preset.width
        self.projection: keras.Variable | None = None
        if settings.dimensions is not None:
            shape = (preset.width, settings.dimensions)
            self.projection = self.add_weight(name="projection", shape=shape, initializer="orthogonal")
        self.rate, self.layer_decay = settings.rate, settings.layer_decay
        self.embeddings.trainable = not (settings.frozen_embeddings or settings.frozen_layers)
        for block in self.blocks[: settings.frozen_layers]:
            block.trainable = False
        self.built = True

    def call(self, ids: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Unit vectors, float32[N, dimensions], of padded word pieces, int32[N, T]."""
        pooled = self._pool(ids, training=True) if training else self.pooled(ids)
        if self.projection is not None:
            pooled = tf.matmul(pooled, tf.convert_to_tensor(self.projection))
        return unit_vectors(pooled)

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
        text, position = layout.places[:, 0], layout.places[:, 1]
        tokens = self.embeddings(tf.gather_nd(ids, layout.places), position)
        for block in self.blocks:
            tokens = block(tokens, layout, training=training)
        if self.pooling == "cls":
            tokens = tf.boolean_mask(tokens, tf.equal(position, 0))
            text = tf.boolean_mask(text, tf.equal(position, 0))
        return tf.math.unsorted_segment_mean(tokens, text, layout.shape[0])

    def find_projection(self, texts: Iterable[tf.Tensor]) -> None:
        """Project to the directions in which the first texts, string[N] each, differ most."""
        assert self.projection is not None  # noqa: S101  else there is nothing to find
        directions = main_directions(lambda batch: self.pooled(self.pieces(batch)), texts, _ADAPT_TEXTS)
        self.projection.assign(directions[:, : self.projection.shape[1]])

    def learning_rates(self) -> Mapping[str, float]:
        """Of the pretrained weights, by path: `rate` in the top layer, times `layer_decay` for each one below."""
        depths = [self.embeddings, *self.blocks][::-1]
        return {
            weight.path: self.rate * self.layer_decay**depth
            for depth, layer in enumerate(depths)
            for weight in layer.weights
        }


class PretrainedTower(Tower):
    """One side's view of the shared BERT."""

    def __init__(self, bert: Bert, dimensions: int, name: str) -> None:
        super().__init__(name=name)
        self.bert = bert
        self.dimensions = dimensions
        self.built = True

    def adapt(self, raw: Iterable[tf.Tensor]) -> None:
        """Find a projection to fewer dimensions, if there is one."""
        if self.bert.projection is not None:
            self.bert.find_projection(raw)

    def featurize(self, raw: tf.Tensor) -> tf.Tensor:
        """Padded word pieces, int32[N, T]."""
        return self.bert.pieces(raw)

    def call(self, features: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Unit vectors, float32[N, dimensions]."""
        return self.bert(features, training=training)

    def learning_rates(self) -> Mapping[str, float]:
        """Of the pretrained weights."""
        return self.bert.learning_rates()


def build_towers(settings: PretrainedSettings, names: Sequence[str]) -> dict[str, Tower]:
    """Towers that share everything."""
    bert = Bert(settings, name="_".join([*names, "bert"]))
    return {name: PretrainedTower(bert, settings.vector_size, name) for name in names}
