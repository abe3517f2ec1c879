"""The encoder behind sentence-transformers: `python sentence_encoder.py FOLDER THREADS`; see `benchmarks.encoding`."""

import json
import sys
import time

import torch
from sentence_transformers import SentenceTransformer


def main() -> None:
    """Answer each line of orders on stdin with one line on stdout."""
    folder, threads = sys.argv[1:]
    torch.set_num_threads(int(threads))
    model = SentenceTransformer(folder, device="cpu")
    for line in sys.stdin:
        texts, batch, seconds = json.loads(line)
        vectors = model.encode(texts, batch_size=batch, normalize_embeddings=True, show_progress_bar=False).tolist()
        rows, start = 0, time.monotonic()
        while (passed := time.monotonic() - start) < seconds:
            chosen = [texts[(rows + place) % len(texts)] for place in range(batch)]
            model.encode(chosen, batch_size=batch, normalize_embeddings=True, show_progress_bar=False)
            rows += batch
        print(json.dumps([rows / passed if rows else 0, vectors]), flush=True)


if __name__ == "__main__":
    main()
