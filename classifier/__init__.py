"""The clinical product: one Django app, one label, a room for every subject.

From the ground up, each room may use those below it (the contract `rooms` in pyproject.toml): domain, models,
claims, standing, consents, outbox and orders, engine, registry, dicom, patients, intake, labels, cases, privacy,
exports, report and webhooks, then the doors: api and fhir, and pages above them. `client` stands outside and
knows the API's schema only.
docs/architecture.md draws the house.
"""
