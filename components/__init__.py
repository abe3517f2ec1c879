"""What each step of the pipeline does: ingest, transform, encoders, losses, training, evaluation, serving check, push."""
