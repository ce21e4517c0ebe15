from portal.common.sealing import digest, seal, unseal


def test_what_is_sealed_can_be_read_by_its_purpose_alone():
    text = seal(b"Jane Doe", purpose="one")
    assert "Jane" not in text
    assert unseal(text, purpose="one") == b"Jane Doe"
    assert unseal(text, purpose="two") is None


def test_a_new_key_reads_what_an_old_one_sealed(settings):
    old = settings.SECRET_KEY
    text = seal(b"words", purpose="one")
    settings.SECRET_KEY = "another-long-secret-key-for-this-test"
    assert unseal(text, purpose="one") is None
    settings.SECRET_KEY_FALLBACKS = [old]
    assert unseal(text, purpose="one") == b"words"


def test_digest_needs_the_key(settings):
    known = digest(b"MRN-1", purpose="one")
    assert len(known) == 64
    assert digest(b"MRN-1", purpose="two") != known
    settings.SECRET_KEY = "another-long-secret-key-for-this-test"
    assert digest(b"MRN-1", purpose="one") != known
