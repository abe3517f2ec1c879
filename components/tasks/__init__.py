"""What a model is for: how encoders and a loss become one trainable thing, and what it answers once exported."""
