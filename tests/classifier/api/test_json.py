"""Bodies in JSON: images as base64, and what breaks parsers."""

import base64
import json
import time

import pytest

from classifier.models import Submission
from tests.classifier.api.conftest import ROOT, codes, form
from tests.factories import draw_jpeg

SUBMISSIONS = f"{ROOT}/submissions/"
MOMENT = (time.time() // 60 + 5) * 60
"""The start of a minute soon: tokens made now still hold then."""
pytestmark = pytest.mark.django_db


@pytest.fixture
def client(api, side):
    return api(side.own.integration)


def encoded(**changes):
    image = {"name": "lesion.jpg", "data": base64.b64encode(draw_jpeg(1)).decode()}
    return form(images=[image], **changes)


@pytest.mark.usefixtures("model", "stores")
def test_images_as_base64(client):
    response = client.post(SUBMISSIONS, encoded(), format="json")
    assert response.status_code == 202
    (image,) = Submission.objects.get().images.all()
    assert (image.original_name, image.byte_size) == ("lesion.jpg", len(draw_jpeg(1)))
    by_form = client.post(SUBMISSIONS, form(), format="multipart")
    assert set(by_form.json()) == set(response.json())


@pytest.mark.usefixtures("model", "stores")
@pytest.mark.parametrize(
    ("images", "expected"),
    [
        ([{"data": "no base64!"}], ("base64_invalid", "images.0.data")),
        ([{"name": "x.jpg"}], ("required", "images.0.data")),
        ([{"data": "aGVsbG8=", "path": "/etc"}], ("unknown_field", "images.0.path")),
        (["aGVsbG8="], ("invalid_input", "images.0")),
        ([], ("empty", "images")),
        ("aGVsbG8=", ("not_a_list", "images")),
    ],
    ids=str,
)
def test_images_that_are_not_base64(client, images, expected):
    response = client.post(SUBMISSIONS, form(images=images), format="json")
    assert response.status_code == 400
    (code, field), (_, wanted) = codes(response)[0], expected
    assert field == wanted
    assert code == expected[0] or field == "images.0"
    assert not Submission.objects.exists()


@pytest.mark.usefixtures("model", "stores")
def test_json_as_large_as_an_image(client):
    """More than the text of a form may have: pictures come as text here."""
    body = json.dumps(encoded()) + " " * 3 * 1024 * 1024
    assert client.generic("POST", SUBMISSIONS, body, "application/json").status_code == 202


def test_json_larger_than_the_site_takes(client, settings):
    settings.DERMAPORT_API_JSON_MAX_BYTES = 1000
    refused = client.post(SUBMISSIONS, encoded(), format="json")
    assert (refused.status_code, refused.json()["code"]) == (413, "request_too_large")
    assert "1000 bytes" in refused.json()["detail"] or "KB" in refused.json()["detail"]
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    assert client.post(f"{ROOT}/patients/", {"mrn": "MRN-000001"}).status_code == 413


@pytest.mark.parametrize("body", ["[" * 50_000, '{"mrn": NaN}', '{"mrn": ' + "9" * 5000 + "}", "{", ""])
def test_json_that_breaks_parsers(client, body):
    response = client.post(f"{ROOT}/patients/", body, content_type="application/json")
    assert response.status_code == 400
