"""Serializers: the JSON of the REST API, one module a subject."""
