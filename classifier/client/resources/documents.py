"""What is not JSON of the API itself: pictures, DICOM files and reports."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from classifier.client.addresses import API
from classifier.client.connection import Call
from classifier.client.records import Image, Submission
from classifier.client.resources.base import ANY, Resource, id_of, parse_object

FHIR = "/fhir/r4"
FHIR_JSON = "application/fhir+json"


class Images(Resource):
    def derivative(self, image: Image | str) -> bytes:
        """The JPEG that the pages show, rebuilt from pixels."""
        call = Call(method="GET", path=f"{API}/images/{id_of(image)}/derivative/", headers=ANY)
        return self._connection.send(call).content

    def dicom(self, image: Image | str, *, patient: str = "pseudonymous") -> bytes:
        """A DICOM file under the pseudonym, or with `patient="identified"` under the record number."""
        call = Call(
            method="GET",
            path=f"{API}/images/{id_of(image)}/dicom/",
            params={"patient": patient},
            headers=ANY,
        )
        return self._connection.send(call).content


class Reports(Resource):
    def pdf(self, submission: Submission | str) -> bytes:
        """The case's report for the patient's record; every page says how far it was signed."""
        call = Call(method="GET", path=f"{API}/submissions/{id_of(submission)}/report/", headers=ANY)
        return self._connection.send(call).content

    def read(self, submission: Submission | str) -> Mapping[str, Any]:
        """The case's FHIR DiagnosticReport: `preliminary`, `final`, `amended` and so on."""
        path = f"{FHIR}/DiagnosticReport/{id_of(submission)}"
        call = Call(method="GET", path=path, headers={"Accept": FHIR_JSON})
        return parse_object(self._connection.send(call))
