"""Where people may be sent back to."""

import pytest

from portal.trust.accounts.errors import PeopleError
from portal.trust.accounts.oauth.redirects import clean_redirects
from tests.support.oauth import RETURN


@pytest.mark.parametrize(
    "address",
    [
        "http://records.example/",
        "http://127.0.0.1/back",
        "http://localhost/back",
        "https://records.example/#part",
        "https://me@records.example/",
        "https://*.records.example/",
        "https:///back",
        "https://[bad/",
        "https://records.example:port/",
        "javascript:alert(1)",
        "records:/back",
        "https://récords.example/",
        "https://records.example/" + "x" * 500,
    ],
)
def test_redirects_that_no_website_may_have(address):
    with pytest.raises(PeopleError) as caught:
        clean_redirects(address, on_device=False)
    assert caught.value.code == "redirect_refused"


def test_redirects_are_kept_as_given_and_once():
    assert clean_redirects(f"{RETURN}\n{RETURN}\nhttps://b.example/?a=1", on_device=False) == (
        f"{RETURN} https://b.example/?a=1"
    )
    assert clean_redirects("http://127.0.0.1/back", on_device=True) == "http://127.0.0.1/back"
