"""Measurements that take minutes: they print figures and judge nothing. See the module `pipeline`."""
