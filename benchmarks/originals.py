"""The three models that the project began from, as they were: what every improvement is measured against."""

from components.encoders.settings import LenetSettings, LstmSettings
from components.losses.settings import TripletSettings

ORIGINAL_TEXT = "original text classifier: LSTM, smoothed cross-entropy (0.1)"
ORIGINAL_MATCHER = "original matcher: LSTM, cosine triplet with random negatives"
ORIGINAL_PICTURE = "original picture encoder: CNN, softmax + center loss"

LSTM = LstmSettings(embedding=128, units=64)
VOCABULARY = 10_000

MATCH_LOSS = TripletSettings(type="cosine_triplet", margin=0.1, negatives="random")


def picture_encoder(size: int, channels: int) -> LenetSettings:
    """The CNN, for pictures of this size; its features are 32 wide."""
    return LenetSettings(size=(size, size), channels=1 if channels == 1 else 3, dimensions=32)
