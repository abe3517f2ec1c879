"""From raw text to tokens and token ids: the same operations in the Transform step, in training and in serving."""
