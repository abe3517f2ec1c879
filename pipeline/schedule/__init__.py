"""Runs of a pipeline by the clock: when they are due, a process for each, a line on what came of it."""
