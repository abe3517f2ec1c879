"""The anomalies step: data that does not fit its schema stops the run."""
