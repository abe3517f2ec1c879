"""The schema step: what every column looks like, inferred from the statistics."""
