"""OAuth: applications of a clinic, and the endpoint that gives them tokens."""
