"""The engine: takes queued images, decodes, gates, judges and explains them. `serving` is the one door to the model."""
