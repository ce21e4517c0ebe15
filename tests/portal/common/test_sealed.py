"""Secrets that programs read back: sealed for one purpose, under the key ring, and read as they were formerly."""

import base64

import pytest
from cryptography.fernet import Fernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.core.management import call_command

from classifier.intake.idempotency import KeptAnswer, claim_request, keep_answer, read_answer
from classifier.models import IdempotentRequest
from portal.trust.encryption.keys import DecryptionError, UnknownKeyError
from portal.trust.encryption.sealed import LostSealError, digest, is_current, reseal, seal, unseal
from tests.factories import staff_clinic
from tests.portal.common.conftest import NEW

ANOTHER = "another-long-secret-key-for-this-test"


def seal_formerly(content, key, purpose):
    """As the version before sealed, with a key made from SECRET_KEY."""
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=purpose.encode()).derive(key.encode())
    return Fernet(base64.urlsafe_b64encode(derived)).encrypt(content).decode()


def test_what_is_sealed_can_be_read_by_its_purpose_alone():
    text = seal(b"Jane Doe", purpose="one")
    assert "Jane" not in text
    assert unseal(text, purpose="one") == b"Jane Doe"
    with pytest.raises(DecryptionError):
        unseal(text, purpose="two")


def test_it_needs_the_key_ring_and_not_the_key_of_signatures(settings, old, rotate):
    text = seal(b"words", purpose="one")
    settings.SECRET_KEY = ANOTHER
    rotate()
    assert unseal(text, purpose="one") == b"words"
    assert is_current(reseal(text, purpose="one"))
    rotate(NEW)
    with pytest.raises(UnknownKeyError):
        unseal(text, purpose="one")


def test_former_seal_is_read_and_comes_under_the_ring(settings):
    text = seal_formerly(b"words", settings.SECRET_KEY, "one")
    former, settings.SECRET_KEY = settings.SECRET_KEY, ANOTHER
    with pytest.raises(LostSealError, match="SECRET_KEY_FALLBACKS"):
        unseal(text, purpose="one")
    settings.SECRET_KEY_FALLBACKS = [former]
    assert unseal(text, purpose="one") == b"words"
    anew = reseal(text, purpose="one")
    settings.SECRET_KEY_FALLBACKS = []
    assert unseal(anew, purpose="one") == b"words"
    assert reseal(anew, purpose="one") == anew


@pytest.mark.django_db
@pytest.mark.usefixtures("old")
def test_kept_answers_come_under_the_new_key(rotate, settings):
    caller = staff_clinic().clinician
    for key in ("present", "former"):
        claimed = claim_request(caller=caller, key=key, fingerprint="f" * 64)
        keep_answer(request=claimed, answer=KeptAnswer(201, "/x/", b'{"a": 1}'), clinic_id=None)
    IdempotentRequest.objects.filter(pk=claimed.pk).update(
        sealed_answer=seal_formerly(b'{"a": 1}', settings.SECRET_KEY, "idempotent answer")
    )
    rotate()
    call_command("rotate_encryption")
    rotate(NEW)
    for row in IdempotentRequest.objects.all():
        assert read_answer(actor=caller, request=row).body == b'{"a": 1}'


def test_digest_needs_the_key(settings):
    known = digest(b"MRN-1", purpose="one")
    assert len(known) == 64
    assert digest(b"MRN-1", purpose="two") != known
    settings.SECRET_KEY = ANOTHER
    assert digest(b"MRN-1", purpose="one") != known
