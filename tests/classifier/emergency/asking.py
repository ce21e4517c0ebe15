"""What the tests of emergency access ask for, and what they look at."""

from django.urls import reverse

from classifier.models import (
    Prediction,
)
from portal.trust.audit.models import AuditEvent

REASON = "Unconscious patient in our emergency room, brought in from Zebedee's farm"
DECISION = {"diagnosis": "melanoma", "agreement": "agrees", "management": "excise", "comment": ""}


def ask(client, side, **changes):
    fields = {"clinic": side.other.clinic.pk, "mrn": "MRN-77", "birth_date": "1961-05-17", "reason": REASON}
    return client.post(reverse("emergency-open"), {**fields, **changes})


def pages(case):
    image = case.images.get()
    prediction = Prediction.objects.get(image=image)
    return [
        reverse("submission-detail", args=[case.pk]),
        reverse("submission-status", args=[case.pk]),
        reverse("lesion-detail", args=[case.lesion_id]),
        reverse("patient-detail", args=[case.lesion.patient_id]),
        reverse("submission-list") + f"?patient={case.lesion.patient_id}",
        reverse("submission-list") + f"?lesion={case.lesion_id}",
        reverse("prediction-explanation", args=[prediction.pk]),
        f"/api/v1/submissions/{case.pk}/",
        f"/api/v1/submissions/{case.pk}/status/",
        f"/api/v1/patients/{case.lesion.patient_id}/",
        f"/api/v1/lesions/{case.lesion_id}/",
    ]


def statuses(client, case):
    return {client.get(address).status_code for address in pages(case)}


def actions(staff):
    events = AuditEvent.objects.filter(chain__clinic=staff.clinic)
    return list(events.order_by("position").values_list("action", flat=True))
