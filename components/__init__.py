"""What each step of the pipeline does: ingest, transform, encoders, losses, train, evaluate, serving check, push."""
