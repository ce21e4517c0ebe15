"""FHIR intake: a Bundle or a ServiceRequest becomes a case by the one intake of the portal."""
