"""The Trainer step: input pipeline, fit, best epoch, export."""
