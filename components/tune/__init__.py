"""The Tuner step: trials of a config's `model` and `train` keys, judged on the validation split."""
