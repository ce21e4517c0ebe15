"""Gates measured: what they do to real and spoilt images, and how far reduced copies differ."""
