"""Everything that leaves the site as a file: what isn't named here may not be one."""

from __future__ import annotations

from django.http import HttpResponse

JPEG, CSV, ZIP, DICOM = "image/jpeg", "text/csv", "application/zip", "application/dicom"
PDF = "application/pdf"

FILES = {
    "GET image-derivative": JPEG,
    "GET image-thumbnail": JPEG,
    "GET explanation-overlay": "image/png",
    "GET api-image-derivative": JPEG,
    "GET fhir-binary": JPEG,
    "POST image-dicom": DICOM,
    "GET api-image-dicom": DICOM,
    "GET submission-report": PDF,
    "GET api-submission-report": PDF,
    "POST submission-export": CSV,
    "POST model-trial-export": CSV,
    "POST audit-export": CSV,
    "POST patient-archive": ZIP,
    "GET api-patient-archive": ZIP,
}
"""Pictures, exports and archives by row. A sealed original has no address, so it has no row."""

NO_FILES = (
    *("text/html", "application/json", "application/problem+json"),
    *("application/fhir+json", "application/vnd.oai.openapi"),
)


def name_file(response: HttpResponse) -> str:
    """The type of the file that an answer is, or "" where it is a page, data or nothing."""
    kind = response.get("Content-Type", "").partition(";")[0]
    is_download = "attachment" in response.get("Content-Disposition", "")
    return kind if is_download or (kind and kind not in NO_FILES) else ""
