"""Encoders: how one tower of a model turns raw input into unit vectors. One file each; `settings` is the registry."""
