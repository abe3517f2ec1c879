"""What the plain TFX pipeline does in Transform and Trainer, written as TFX's templates write it.

Tokeniser, encoder, loss, candidate library and metric are Anchorline's own: only the plumbing around them is compared.
"""

from collections.abc import Iterator
from typing import Any

import keras
import tensorflow as tf
import tensorflow_transform as tft
from pydantic import TypeAdapter
from tfx import v1 as tfx
from tfx_bsl.public.tfxio import TensorFlowDatasetOptions

from components.encoders.settings import EncoderSettings
from components.encoders.tower import Tower
from components.search.exact import Exact
from components.search.similarity import Similarity
from components.tasks.library import Library
from components.tasks.match import MatchModel, key
from components.tasks.right_answers import RightAnswers
from components.tasks.settings import MatchSettings
from components.train.settings import TrainSettings
from components.transform.settings import TransformSettings
from components.transform.tokens import tokenize
from components.transform.vocabulary import NAME, RESERVED

_TEXTS = ("question", "answer")
_ENCODE_BATCH = 512


def preprocessing_fn(inputs: dict[str, tf.Tensor]) -> dict[str, Any]:
    """Token ids of both texts over one vocabulary, and the texts themselves."""
    texts = {name: tf.reshape(inputs[name], [-1]) for name in _TEXTS}
    tokens = {name: tokenize(text) for name, text in texts.items()}
    vocabulary = tft.vocabulary(
        tf.concat(list(tokens.values()), axis=0), top_k=TransformSettings().vocabulary_size, vocab_filename=NAME
    )
    ids = {
        f"{name}_ids": tokens[name].with_flat_values(
            tft.apply_vocabulary(tokens[name].flat_values, vocabulary) + RESERVED
        )
        for name in _TEXTS
    }
    return {"id": tf.reshape(inputs["id"], [-1]), **texts, **ids}


def run_fn(fn_args: tfx.components.FnArgs) -> None:
    """Train for `fn_args.train_steps` steps and export."""
    keras.utils.set_random_seed(1)
    transformed = tft.TFTransformOutput(fn_args.transform_output)
    encoder = TypeAdapter(EncoderSettings).validate_python({"type": fn_args.custom_config["encoder"]})
    towers = encoder.build(_TEXTS, transformed.vocabulary_file_by_name(NAME))
    train_files, (validation_files, test_files) = fn_args.train_files, fn_args.eval_files

    def read(files: list[str], **options: Any) -> tf.data.Dataset:
        settings = TensorFlowDatasetOptions(**options)
        return fn_args.data_accessor.tf_dataset_factory(files, settings, transformed.transformed_metadata.schema)

    answers = {
        answer: row_id
        for batch in read([*train_files, validation_files, test_files], batch_size=1024, num_epochs=1, shuffle=False)
        for answer, row_id in zip(batch["answer"].numpy().ravel(), batch["id"].numpy().ravel(), strict=True)
    }
    texts = list(answers)
    towers["answer"].adapt(tf.data.Dataset.from_tensor_slices(texts).batch(_ENCODE_BATCH))

    model = MatchModel(towers)
    model.compile(keras.optimizers.Adam(encoder.learning_rate), MatchSettings().loss.build())
    batch_size = TrainSettings().batch_size
    model.fit(
        read(train_files, batch_size=batch_size).map(lambda batch: _features(batch, towers)),
        steps_per_epoch=fn_args.train_steps,
        validation_data=read([validation_files], batch_size=batch_size).map(lambda batch: _features(batch, towers)),
        validation_steps=fn_args.eval_steps,
        callbacks=[keras.callbacks.TensorBoard(fn_args.model_run_dir)],
        verbose=2,
    )
    vectors = tf.concat(list(_encode(model, texts)), axis=0)
    keys = key(tf.constant(texts)).numpy()
    library = Library(list(answers.values()), texts, keys, Similarity(Exact(vectors)), RightAnswers(keys, keys))
    _export(model, library, fn_args.serving_model_dir)


def _features(batch: dict[str, Any], towers: dict[str, Tower]) -> tuple[dict[str, Any], tf.Tensor]:
    texts = {name: tf.reshape(batch[name], [-1]) for name in _TEXTS}
    features = {
        side: tower.featurize_ids(batch[f"{side}_ids"]) if tower.reads_token_ids else tower.featurize(texts[side])
        for side, tower in towers.items()
    }
    answers = key(texts["answer"])
    return features, tf.equal(answers[:, tf.newaxis], answers[tf.newaxis, :])


def _encode(model: MatchModel, texts: list[bytes]) -> Iterator[tf.Tensor]:
    step = tf.function(lambda text: model.encode("answer", text), input_signature=[tf.TensorSpec([None], tf.string)])
    for batch in tf.data.Dataset.from_tensor_slices(texts).batch(_ENCODE_BATCH):
        yield step(batch)


def _export(model: MatchModel, library: Library, folder: str) -> None:
    def search(text: tf.Tensor) -> dict[str, tf.Tensor]:
        return library.search(model.encode("question", text), 10)._asdict()

    def evaluate(examples: tf.Tensor) -> dict[str, tf.Tensor]:
        pairs = tf.io.parse_example(examples, {name: tf.io.FixedLenFeature([], tf.string) for name in _TEXTS})
        questions, answers = pairs["question"], pairs["answer"]
        return {"rank": library.rank(model.encode("question", questions), key(questions), key(answers))}

    archive = keras.export.ExportArchive()
    for resource in (model.question, model.answer, library):
        archive.track(resource)
    archive.add_endpoint("serving_default", search, input_signature=[tf.TensorSpec([None], tf.string, name="text")])
    archive.add_endpoint("evaluate", evaluate, input_signature=[tf.TensorSpec([None], tf.string, name="examples")])
    archive.write_out(folder, verbose=False)
