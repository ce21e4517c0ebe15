import pytest
from django.urls import NoReverseMatch, reverse

from portal.trust.audit.models import AuditEvent
from tests.factories import SubmissionFactory, SubmissionImageFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def image(staff):
    return SubmissionImageFactory(submission=SubmissionFactory(clinic=staff.clinic), with_files=True)


@pytest.mark.parametrize(
    ("kind", "caching"), [("derivative", "private, no-cache"), ("thumbnail", "private, max-age=3600")]
)
def test_serves_what_was_rebuilt(kind, caching, image, staff, log_in):
    response = log_in(staff.clinician).get(reverse(f"image-{kind}", args=[image.pk]))
    body = b"".join(response.streaming_content)
    with getattr(image, kind).open("rb") as file:
        assert body == file.read()
    with image.original.open("rb") as file:
        assert body != file.read()
    assert response["Content-Type"] == "image/jpeg"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response["Content-Disposition"] == f'inline; filename="{image.pk}.jpg"'
    assert response["Cache-Control"] == caching
    assert "Cookie" in response["Vary"]


def test_second_look_sends_no_bytes(image, staff, log_in):
    client, address = log_in(staff.clinician), reverse("image-derivative", args=[image.pk])
    tag = client.get(address)["ETag"]
    response = client.get(address, headers={"If-None-Match": tag})
    assert response.status_code == 304
    assert response.content == b""


def test_each_look_at_the_picture_leaves_an_event_and_a_thumbnail_none(image, staff, log_in):
    client = log_in(staff.clinician)
    client.get(reverse("image-derivative", args=[image.pk]))
    client.get(reverse("image-thumbnail", args=[image.pk]))
    event = AuditEvent.objects.get(actor=staff.clinician, object_id=str(image.pk))
    assert event.action == "submissionimage.viewed"


def test_lost_file_is_not_found(image, staff, log_in):
    image.derivative.storage.delete(image.derivative.name)
    assert log_in(staff.clinician).get(reverse("image-derivative", args=[image.pk])).status_code == 404


@pytest.mark.parametrize("name", ["image-original", "image-sealed", "submission-original"])
def test_no_address_leads_to_an_original(name, image):
    with pytest.raises(NoReverseMatch):
        reverse(name, args=[image.pk])
