"""Tokens: personal, service and OAuth tokens by one interface: look-up, expiry, use, refusal."""
