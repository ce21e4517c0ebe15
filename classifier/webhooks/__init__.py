"""Webhooks: what happens here is told to the systems that a clinic names."""
