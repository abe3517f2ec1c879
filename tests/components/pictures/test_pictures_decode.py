"""Batches of pictures: eagerly, in tf.data, and in a SavedModel as TensorFlow Serving loads it."""

from typing import Literal

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from components.pictures.decode import decode_pictures
from tests.components.pictures import drawings as d

DRAWING = d.drawing()
MIXED = [
    d.encode(d.with_alpha(DRAWING), "PNG"),
    d.encode(d.drawing(9, 80), "JPEG"),
    d.encode(d.drawing(31, 4), "GIF", save_all=True, append_images=[DRAWING]),
    d.encode(DRAWING.convert("CMYK"), "JPEG"),
    d.encode(d.drawing(3, 2), "BMP"),
    d.encode(DRAWING.convert("1"), "PNG"),
    d.encode(DRAWING.quantize(20), "GIF", transparency=4),
]


def expected(content: bytes, height: int, width: int) -> np.ndarray:
    """What Pillow shows, shrunk by the mean over the area of each new pixel, then enlarged by Pillow."""
    shown = d.seen(content).astype(float)
    down, across = (shares(old, min(new, old)) for old, new in zip(shown.shape, (height, width), strict=False))
    shrunk = Image.fromarray(np.round(np.einsum("ij,jkc,lk->ilc", down, shown, across)).astype(np.uint8))
    return np.asarray(shrunk.resize((width, height), Image.Resampling.BILINEAR)).astype(int)


def shares(old: int, new: int) -> np.ndarray:
    """How much of each of `new` pixels in a row lies over which of the `old` ones, float[new, old]."""
    edges = np.linspace(0, old, new + 1)
    overlaps = np.minimum(edges[1:, np.newaxis], np.arange(1, old + 1)) - np.maximum(
        edges[:-1, np.newaxis], np.arange(old)
    )
    return np.maximum(overlaps, 0) * new / old


@pytest.mark.parametrize(("height", "width"), [(20, 30), (64, 64), (37, 53)])
def test_every_picture_of_a_batch_is_stretched_to_one_size(height: int, width: int) -> None:
    batch = decode_pictures(tf.constant(MIXED), height, width, 3)
    assert batch.dtype == tf.uint8
    assert batch.shape == (7, height, width, 3)
    for pixels, content in zip(batch.numpy(), MIXED, strict=True):
        np.testing.assert_allclose(pixels, expected(content, height, width), atol=2)


def test_a_picture_of_the_right_size_is_not_altered() -> None:
    pixels = decode_pictures([d.encode(DRAWING, "PNG")], 37, 53, 3)
    np.testing.assert_array_equal(pixels[0], np.asarray(DRAWING))


def test_shrinking_is_antialiased() -> None:
    stripes = Image.fromarray(np.tile(np.array([[0, 255]], np.uint8), (64, 32)))
    pixels = decode_pictures([d.encode(stripes, "PNG")], 8, 8, 1)
    np.testing.assert_allclose(pixels, np.full((1, 8, 8, 1), 128), atol=1)


@pytest.mark.parametrize(("width", "height"), [(127, 130), (128, 128), (270, 256), (600, 700)])
def test_a_jpeg_read_smaller_is_the_picture_shrunk(width: int, height: int) -> None:
    """At a half, a quarter or an eighth as large; one of less than twice the size is read whole."""
    jpeg = d.encode(d.drawing(width, height), "JPEG", quality=95)
    pixels = decode_pictures([jpeg], 64, 64, 3)[0].numpy().astype(int)
    difference = np.abs(pixels - expected(jpeg, 64, 64))
    assert difference.mean() < 1
    assert np.mean(difference > 6) < 0.02, "more than the edges of the corner"


def test_one_channel_is_luma() -> None:
    rows = b"\0" + bytes([255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255, 10, 20, 30])
    pixels = decode_pictures([d.png(5, 1, rows)], 1, 5, 1)
    assert pixels.shape == (1, 1, 5, 1)
    assert pixels[0, 0, :, 0].numpy().tolist() == [76, 150, 29, 255, 18]


def test_black_is_0_and_white_is_255() -> None:
    np.testing.assert_array_equal(
        decode_pictures([d.png(2, 1, bytes([0, 0, 255]), kind=0)], 1, 2, 3)[0, 0, :, 1], [0, 255]
    )


def test_no_picture_makes_no_row() -> None:
    assert decode_pictures(tf.constant([], tf.string), 4, 5, 1).shape == (0, 4, 5, 1)


@pytest.mark.parametrize("channels", [1, 3])
def test_in_tf_data(channels: Literal[1, 3]) -> None:
    dataset = tf.data.Dataset.from_tensor_slices(MIXED).batch(3)
    dataset = dataset.map(lambda batch: decode_pictures(batch, 12, 10, channels), num_parallel_calls=2)
    assert dataset.element_spec.shape.as_list() == [None, 12, 10, channels]
    together = np.concatenate(list(dataset.as_numpy_iterator()))
    np.testing.assert_array_equal(together, decode_pictures(MIXED, 12, 10, channels))


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tf.compat.v1.Session:
    """A served model that does nothing but decode to 12 × 10 in colour."""
    folder = str(tmp_path_factory.mktemp("served") / "1")
    archive = keras.export.ExportArchive()
    archive.track(tf.Module())
    archive.add_endpoint(
        "pixels",
        lambda image_bytes: decode_pictures(image_bytes, 12, 10, 3),
        input_signature=[tf.TensorSpec([None], tf.string, name="image_bytes")],
    )
    archive.write_out(folder, verbose=False)
    session = tf.compat.v1.Session(graph=tf.Graph())
    with session.graph.as_default():
        session.signature = tf.compat.v1.saved_model.load(session, ["serve"], folder).signature_def["pixels"]
    return session


def ask(session: tf.compat.v1.Session, contents: list[bytes]) -> np.ndarray:
    (given,), (pixels,) = session.signature.inputs.values(), session.signature.outputs.values()
    return session.run(pixels.name, {given.name: np.array(contents, dtype=object)})


@pytest.mark.parametrize("contents", [MIXED, MIXED[3:4], []], ids=["many", "one", "none"])
def test_served_as_it_was_trained(session: tf.compat.v1.Session, contents: list[bytes]) -> None:
    np.testing.assert_array_equal(ask(session, contents), decode_pictures(tf.constant(contents, tf.string), 12, 10, 3))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (d.png(20_000, 20_000, b""), r"too many pixels: .* \[20000 20000\] \[25000000\]"),
        (d.encode(DRAWING.quantize(20), "BMP"), "unsupported picture format: a BMP must be"),
        (MIXED[0][:-30], "Invalid PNG data"),
        (b"\xfa\xff not UTF-8", "not a picture: allowed are PNG, JPEG, GIF, BMP"),
        (b"", "not a picture"),
    ],
)
def test_serving_refuses_what_it_cannot_show(session: tf.compat.v1.Session, content: bytes, message: str) -> None:
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        ask(session, [MIXED[0], content])
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        decode_pictures([MIXED[0], content], 12, 10, 3)
    assert ask(session, MIXED[:2]).shape == (2, 12, 10, 3)
