"""Views of the FHIR server: read, search, history and intake."""
