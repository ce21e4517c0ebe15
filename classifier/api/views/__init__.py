"""Views of the REST API, one module a subject."""
