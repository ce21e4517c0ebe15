import datetime as dt

import time_machine
from django.utils import timezone
from knox.models import AuthToken
from oauth2_provider.models import AccessToken, RefreshToken

from classifier.tasks import forget_expired_tokens_task
from tests.support.oauth import agree, redeem, refresh
from tests.support.tokens import make_token


def test_what_opens_nothing_is_forgotten(client, person, website):
    make_token(person, days=1)
    refresh(website, redeem(website, agree(client, website.application)).json()["refresh_token"])
    forget_expired_tokens_task()
    assert (AuthToken.objects.count(), AccessToken.objects.count(), RefreshToken.objects.count()) == (1, 1, 2)
    with time_machine.travel(timezone.now() + dt.timedelta(days=40)):
        forget_expired_tokens_task()
    assert (AuthToken.objects.count(), AccessToken.objects.count(), RefreshToken.objects.count()) == (0, 0, 0)
