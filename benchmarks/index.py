"""What an index saves of a search, and what it misses, beside the comparison with every vector.

    ./dev python -m benchmarks.index [--size 100000 --size 1000000] [--encoder embedding_bag|bag] [--dimensions 256]
                                     [--towers one|two] [--threads 1]

The vectors are those of `benchmarks.passages`: `embedding_bag` has learnt for some minutes, `bag` is untrained TF-IDF
by random projection, a hard case, for its vectors hardly cluster. With one tower questions are encoded as the library
is, as classifiers and pretrained encoders do; with two, which share no weights, questions lie apart from the library,
which is hard for every index that groups the library. Recall@10 is against the exact search, over 2,000 questions
that the index was not tuned on: of texts that the library is drawn from, and (strangers) of texts that it is not.
An op has one thread, as in the model server by default. Both searches take turns of ten, one after the other as in a
server: after a search of the other kind, which sweeps the processor's caches, the first takes longer.
"""

import time
from collections.abc import Sequence
from typing import Annotated, Literal

import numpy as np
import typer
from rich import box
from rich.console import Console
from rich.table import Table

from benchmarks.passages import encode, passages, trained_towers
from components.encoders.settings import BagSettings, EmbeddingBagSettings, EncoderSettings
from components.search.index import Index
from components.search.settings import IndexSettings

ENCODERS: dict[str, tuple[EncoderSettings, int]] = {
    "embedding_bag": (EmbeddingBagSettings(dimensions=64, buckets=2**14), 10),
    "bag": (BagSettings(dimensions=256, buckets=2**16, ngrams=(4,)), 0),
}
"""With the epochs that each is trained."""

QUESTIONS, JUDGED = 4_000, 2_000
TURNS, SEARCHES = 8, 10


def main(
    sizes: Annotated[list[int] | None, typer.Option("--size")] = None,
    encoder: Annotated[Literal["embedding_bag", "bag"], typer.Option()] = "embedding_bag",
    dimensions: Annotated[int | None, typer.Option(help="Of a vector, in place of the encoder's own here.")] = None,
    towers: Annotated[Literal["one", "two"], typer.Option()] = "one",
    threads: Annotated[int, typer.Option(help="Of an op.")] = 1,
) -> None:
    """Print one row for each size."""
    import tensorflow as tf

    from components.search.choose import choose_index, recall_of
    from components.search.exact import Exact
    from components.search.reach import nearest_vectors

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(threads)
    columns = ("exact ms", "index ms", "exact ms × 32", "index ms × 32", "recall@10", "of strangers")
    table = Table("vectors", *columns, "MB", "of which vectors", "build s", "reach", box=box.MARKDOWN)
    sizes = sizes or [100_000, 1_000_000]
    texts = passages(max(sizes), QUESTIONS)
    settings, epochs = ENCODERS[encoder]
    if dimensions is not None:
        settings = settings.model_copy(update={"dimensions": dimensions})
    both = trained_towers(settings, texts, epochs)
    everything = encode(both["answer"], texts.library)
    asking = both["answer" if towers == "one" else "question"]
    asked, strangers = (encode(asking, some) for some in (texts.questions, texts.strangers))
    tuning, judged = asked[:JUDGED], (asked[JUDGED:], strangers[JUDGED:])
    for size in sizes:
        vectors = everything[:size].copy()
        least = [nearest_vectors(vectors, queries, 10)[1].min(axis=1) for queries in judged]
        exact = Exact(vectors)
        start = time.monotonic()
        chosen = choose_index(vectors, tuning, IndexSettings(type="partitions"), seed=0)
        seconds = time.monotonic() - start
        index = chosen.index
        times = [each for many in (1, 32) for each in milliseconds([exact, index], asked, many)]
        recalls = [recall_of(index, queries, some) for queries, some in zip(judged, least, strict=True)]
        held = sum(variable.numpy().nbytes for variable in index.variables) / 1e6
        reach = "{probes} of {partitions}, short list {shortlist}, {seen:.1%} seen".format_map(chosen.record)
        table.add_row(
            f"{size:,}",
            *(f"{value:.1f}" for value in times),
            *(f"{recall:.3f}" for recall in recalls),
            f"{held:,.0f}",
            f"{vectors.nbytes / 1e6:,.0f}",
            f"{seconds:.0f}",
            reach,
        )
    Console(width=180).print(table)


def milliseconds(indexes: Sequence[Index], queries: np.ndarray, many: int) -> list[float]:
    """Median time of a search for `many` queries, of each index; they take turns, each time with other queries."""
    import tensorflow as tf

    spec = tf.TensorSpec([None, queries.shape[1]], tf.float32)
    searches = [tf.function(lambda few, index=index: index.nearest(few, 10), [spec]) for index in indexes]
    times = np.zeros((TURNS + 1, len(indexes), SEARCHES))
    for turn, place, search in np.ndindex(times.shape):
        first = (turn * SEARCHES + search) * many % (len(queries) - many)
        few = tf.constant(queries[first : first + many])
        start = time.perf_counter()
        searches[place](few)
        times[turn, place, search] = time.perf_counter() - start
    return [float(median) for median in np.median(times[1:], axis=(0, 2)) * 1_000]  # the first turn traces


if __name__ == "__main__":
    typer.run(main)
