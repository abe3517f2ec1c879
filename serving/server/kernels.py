"""Whose kernels TensorFlow computes with."""

import os


def prefer_onednn() -> None:
    """Let TensorFlow use oneDNN's, unless TF_ENABLE_ONEDNN_OPTS says otherwise; call it before TensorFlow is imported.

    By itself it does so on some newer processors alone. On the others a transformer takes longer without it for long
    texts and batches, though less for a short text by itself (see benchmarks/encoding.py); an LSTM as long either way.
    """
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
