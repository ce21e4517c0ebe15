"""Django REST framework as the portal sets it up: what the REST API and FHIR share, below both.

Permissions, throttling, exceptions, the base view, and how a service's refusal becomes an answer. The shape
of an answer is each API's own: `classifier.api.errors` (RFC 9457) and `classifier.fhir.errors`.
"""
