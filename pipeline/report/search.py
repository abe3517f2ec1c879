"""How a model finds the nearest, from the record of its training."""

from collections.abc import Mapping
from typing import Any


def describe_search(record: Mapping[str, Any]) -> str:
    """The index, its recall and the weight of TF-IDF, in a sentence or two; empty for a record without them."""
    index, lexical = record.get("chosen_index", {}), record.get("lexical")
    sentences = []
    if index.get("probes"):
        sentences.append(
            f"A search looks into {index['probes']:,} of {index['partitions']:,} partitions and compares"
            f" {index['shortlist']:,} vectors exactly; it finds {index['recall']:.3f} of the 10 nearest, measured on"
            f" {index['queries']:,} held-out rows."
        )
    elif index:
        sentences.append("A search compares with every vector.")
    if lexical:
        mrr = lexical["mrr_by_weight"].get(str(lexical["weight"]))
        tuned = f", which gave the best validation MRR, {mrr:.3f}" if mrr is not None else ""
        sentences.append(f"TF-IDF has the weight {lexical['weight']:g} in a score{tuned}.")
    return " ".join(sentences)
