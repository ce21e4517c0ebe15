"""Template tags and filters: how values look on pages. Their words come from `classifier.labels`."""
