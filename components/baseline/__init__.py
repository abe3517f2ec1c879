"""The baseline step: the newest pushed version, which a new model must not fall behind."""
