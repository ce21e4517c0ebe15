"""The rows of what a person finds in the settings beyond one page: index, retention, closing."""

from __future__ import annotations

from tests.permissions import expectations as may
from tests.permissions.rows import APPLICATION, SERVICE, Row, sent

CHANGED = {"name": "Records", "redirect_uris": "https://records.example/back"}

ACCESS_ROWS = [
    Row("profile", "GET", may.PAGE_OF_MEMBERS),
    Row("interfaces", "GET", may.PAGE_OF_MEMBERS_AND_OPERATORS),
    Row("interfaces-fhir", "GET", may.PAGE_OF_MEMBERS_AND_OPERATORS),
    Row("retention", "POST", may.PAGE_OF_ADMINISTRATORS, 302, data=sent(automatic="no")),
    Row("application", "POST", may.ROW_OF_ADMINISTRATORS, 302, at=APPLICATION, data=sent(**CHANGED)),
    Row("application-active", "GET", may.ROW_OF_ADMINISTRATORS, at=APPLICATION),
    Row("service-active", "GET", may.ROW_OF_ADMINISTRATORS, at=SERVICE),
]
