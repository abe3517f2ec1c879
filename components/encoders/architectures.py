"""Networks for pictures whose pretrained weights Keras publishes, and what a file must hold to be such weights.

Read by h5py, without TensorFlow, so that a wrong file is known when a configuration is read.
"""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    import h5py

Name = Literal[
    "mobilenet_v3_small",
    "mobilenet_v3_large",
    "mobilenet_v2",
    "efficientnet_v2_b0",
    "resnet50_v2",
    "convnext_tiny",
]


_TENSORS_OF_A_LAYER = 8  # no layer of these networks has more


@dataclass(frozen=True)
class Architecture:
    """One network of `keras.applications`, without the layers that tell the classes ("no top")."""

    function: str
    """What makes it."""
    module: str
    """Whose `preprocess_input` makes of pixels from 0 to 255 what it reads."""
    tensors: int
    """How many make its weights."""
    parameters: int
    """How many numbers are in them."""
    width: int
    """Size of its features, averaged over the picture."""
    hidden: int = 0
    """Size of the layer between features and classes, if there is one."""
    stages: int = 5
    """How many resolutions its layers work at."""

    def classes(self, tensors: int, parameters: int) -> int | None:
        """How many classes a file of so many weights tells: 0 if it has no top, None if it is of another network."""
        tensors, parameters = tensors - self.tensors, parameters - self.parameters
        if tensors == parameters == 0:
            return 0
        classes, rest = divmod(parameters - self.hidden * (self.width + 1), (self.hidden or self.width) + 1)
        return classes if tensors == (4 if self.hidden else 2) and classes > 0 and rest == 0 else None


ARCHITECTURES: dict[Name, Architecture] = {
    "mobilenet_v3_small": Architecture("MobileNetV3Small", "mobilenet_v3", 206, 939_120, 576, hidden=1024),
    "mobilenet_v3_large": Architecture("MobileNetV3Large", "mobilenet_v3", 262, 2_996_352, 960, hidden=1280),
    "mobilenet_v2": Architecture("MobileNetV2", "mobilenet_v2", 260, 2_257_984, 1280),
    "efficientnet_v2_b0": Architecture("EfficientNetV2B0", "efficientnet_v2", 359, 5_919_312, 1280),
    "resnet50_v2": Architecture("ResNet50V2", "resnet_v2", 270, 23_564_800, 2048),
    "convnext_tiny": Architecture("ConvNeXtTiny", "convnext", 180, 27_820_128, 768, stages=4),
}


def classes_in(file: str, name: Name) -> int:
    """How many classes the top of a weights file tells; 0 if it has no top.

    Args:
        file: `.weights.h5` as Keras 3 saves weights, or `.h5` as Keras 2 did and Keras publishes them.
        name: of the network.

    Raises:
        ValueError: it is not there, or does not hold the weights of that network.
    """
    if not Path(file).is_file():
        raise ValueError(f"there is no file {file}; give one with the weights of {name}, .weights.h5 or .h5")
    import h5py

    try:
        with h5py.File(file, "r") as opened:
            sizes = _sizes(opened, file)
    except OSError:
        raise ValueError(f"{file} is not a whole HDF5 file") from None
    architecture = ARCHITECTURES[name]
    classes = architecture.classes(len(sizes), sum(sizes))
    if classes is None:
        raise ValueError(
            f"{file} holds {len(sizes):,} tensors with {sum(sizes):,} numbers, so it is not {name}, which has "
            f"{architecture.tensors:,} with {architecture.parameters:,}, and then its classes if they are there"
        )
    return classes


def _sizes(opened: "h5py.File", file: str) -> list[int]:
    """Of each tensor of the weights."""
    import h5py

    published = opened.get("model_weights", opened)  # a whole model has them beside those of its optimizer
    if "layer_names" in published.attrs:
        keras, weights = 2, published
    elif "layers" in opened:
        keras, weights = 3, opened["layers"]
    else:
        raise ValueError(f"{file} holds no weights as Keras saves them")
    ending = {2: ".h5", 3: ".weights.h5"}[keras]
    if not file.endswith(".h5") or file.endswith(".weights.h5") != (keras == 3):  # noqa: PLR2004
        raise ValueError(f"{file} is laid out as by Keras {keras}, so its name must end in {ending}")
    sizes: list[int] = []
    layers: Counter[str] = Counter()

    def count(name: str, value: Any) -> None:
        if isinstance(value, h5py.Dataset) and value.dtype.kind == "f":  # states of generators are whole numbers
            sizes.append(int(value.size))
            layers[name.partition("/")[0]] += 1

    weights.visititems(count)
    largest, tensors = next(iter(layers.most_common(1)), ("", 0))
    if tensors > _TENSORS_OF_A_LAYER:
        raise ValueError(f"{file} holds a network inside another, {largest}; save the weights of the inner one alone")
    return sizes
