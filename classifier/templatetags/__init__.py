"""Template tags, for the pages alone."""
