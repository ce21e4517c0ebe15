"""Webhooks made as an administrator makes them."""

from classifier.webhooks.endpoints import create_endpoint

URL = "https://ehr.example/hooks?key=opens-something"


def create(staff, **changes):
    values = {"url": URL, "events": ["review.signed"], "description": " The  EHR ", **changes}
    return create_endpoint(actor=staff.administrator, clinic=staff.clinic, **values)
