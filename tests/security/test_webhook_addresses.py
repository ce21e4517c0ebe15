"""An address is refused by its text before any name is looked up."""

import pytest

from classifier.webhooks.ssrf_guard import read_url
from tests.classifier.webhooks.refusals import code_of

TEXTS = [
    ("http://ehr.example/hooks", "https_needed"),
    ("ftp://ehr.example/hooks", "https_needed"),
    ("file:///etc/passwd", "https_needed"),
    ("gopher://ehr.example/", "https_needed"),
    ("//ehr.example/hooks", "https_needed"),
    ("https://", "address_invalid"),
    ("https:///hooks", "address_invalid"),
    ("https://user@ehr.example/", "address_with_log_in"),
    ("https://user:word@ehr.example/", "address_with_log_in"),
    ("https://ehr.example@10.0.0.1/", "address_with_log_in"),
    ("https://@ehr.example/", "address_with_log_in"),
    ("https://ehr.example/#part", "address_invalid"),
    ("https://ehr.example:22/", "port_refused"),
    ("https://ehr.example:80/", "port_refused"),
    ("https://ehr.example:6379/", "port_refused"),
    ("https://ehr.example:99999/", "address_invalid"),
    ("https://ehr.example:word/", "address_invalid"),
    ("https://ehr .example/", "address_invalid"),
    ("https://ehr.example/\r\nHost: other", "address_invalid"),
    ("https://ehr.example\\@10.0.0.1/", "address_invalid"),
    ("https://ehr%2eexample/", "address_invalid"),
    ("https://ehr..example/", "address_invalid"),
    ("https://ehr.exämple/", "address_invalid"),
    ("https://\uff11\uff12\uff17.0.0.1/", "address_invalid"),
    ("https://[::1/", "address_invalid"),
    ("https://[fe80::1%25eth0]/", "address_refused"),
    ("https://2130706433/", "address_invalid"),
    ("https://0x7f000001/", "address_invalid"),
    ("https://0x7f.1/", "address_invalid"),
    ("https://0177.0.0.1/", "address_invalid"),
    ("https://127.1/", "address_invalid"),
    ("https://1.2.3.4.5/", "address_invalid"),
    ("https://127.0.0.1/", "address_refused"),
    ("https://127.0.0.1./", "address_refused"),
    ("https://[::1]/", "address_refused"),
    ("https://[::ffff:127.0.0.1]/", "address_refused"),
    ("https://ehr.example/" + "a" * 500, "address_too_long"),
]


@pytest.mark.parametrize(("url", "code"), TEXTS)
def test_refused_by_its_text(url, code):
    assert code_of(lambda: read_url(url)) == code


@pytest.mark.parametrize(
    "url", ["https://ehr.example", "https://EHR.example:8443/a?b=c", "https://a_b.example./"]
)
def test_allowed_text(url):
    assert read_url(url).scheme == "https"
