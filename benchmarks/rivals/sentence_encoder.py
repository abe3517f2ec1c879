"""The encoder behind sentence-transformers: `python sentence_encoder.py FOLDER THREADS`; see `benchmarks.encoding`."""

import json
import sys
import time
from functools import partial

import torch
from sentence_transformers import SentenceTransformer


def main() -> None:
    """Answer each line of orders on stdin with one line on stdout."""
    folder, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    model = SentenceTransformer(folder, device="cpu")
    encode = partial(model.encode, batch_size=32, normalize_embeddings=True, show_progress_bar=False)
    for line in sys.stdin:
        texts, batch, seconds = json.loads(line)
        vectors = encode(texts[:batch]).tolist()
        rows, start = 0, time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            chosen = [texts[(rows + place) % len(texts)] for place in range(batch)]
            encode(chosen)
            rows += batch
        print(json.dumps([rows / passed if rows else 0, vectors]), flush=True)


if __name__ == "__main__":
    main()
