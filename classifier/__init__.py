"""The clinical product: one Django app, one label, a room for every subject.

From the ground up, each room may use those below it:
domain, models, claims, standing, labels, engine and registry, dicom, intake, cases, privacy, webhooks, exports and
report, then the doors: api, fhir and pages. `client` stands outside and knows the API's schema only.
docs/architecture.md draws the house.
"""
