"""What refused input is called."""

import pytest

from classifier.domain.errors import ServiceError
from classifier.webhooks.ssrf_guard import RefusedAddressError


def code_of(act) -> str:
    with pytest.raises((RefusedAddressError, ServiceError)) as caught:
        act()
    return caught.value.code
