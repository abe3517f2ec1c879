"""The Evaluator step: retrieval metrics for TensorFlow Model Analysis, the TF-IDF reference, and the verdict."""
