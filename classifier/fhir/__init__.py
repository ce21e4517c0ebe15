"""FHIR R4 over the same rows as the pages and the REST API: read, search, and intake of a case."""
