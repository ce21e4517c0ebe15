"""REST API under /api/v1/: views, serializers, errors, schema. FHIR never imports it; programs call it by HTTP."""
