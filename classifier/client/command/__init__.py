"""`python -m classifier.client`."""
