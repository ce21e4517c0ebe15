"""Builders: a row and its labels become a FHIR resource."""
