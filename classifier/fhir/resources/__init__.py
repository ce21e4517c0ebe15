"""Every type of resource that this server reads, by name."""

from classifier.fhir.resources import cases, patients, results, site
from classifier.fhir.resources.base import Kind

KINDS: dict[str, Kind] = {
    kind.name: kind
    for kind in (
        patients.PATIENT,
        patients.BODY_STRUCTURE,
        cases.SERVICE_REQUEST,
        cases.MEDIA,
        cases.DIAGNOSTIC_REPORT,
        results.OBSERVATION,
        results.PROVENANCE,
        site.DEVICE,
        site.ORGANIZATION,
        site.PRACTITIONER,
        site.AUDIT_EVENT,
    )
}
