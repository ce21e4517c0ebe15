"""What a receiver's author needs to know; shown in the API's reference and on the page."""

VERIFY = '''\
from collections.abc import Mapping
from standardwebhooks import Webhook, WebhookVerificationError

def is_genuine(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Whether `body`, as received, was signed with `secret` within the last minutes."""
    try:
        Webhook(secret).verify(body, dict(headers))
    except (WebhookVerificationError, ValueError):
        return False
    return True
'''

DESCRIPTION = f"""\
The portal POSTs JSON to the address: `id`, `type`, `created_at`, `clinic`, `submission`, `data` (ids and
codes only) and `url`, where the rest is read with a token. Answer with a 2xx status within 10 seconds;
anything else, redirects included, is tried again for about a day, each time later. After days of
failure the webhook is switched off and the clinic's administrators are told.

Deliveries can come twice and in any order: `id`, also in the header `webhook-id`, is the same at
every try and every redelivery, so keep the ids that you have seen.

Where a clinic lets its dermatologists read before they see the answer, `prediction.succeeded` stands
for a refusal too, so that no payload says what isn't to be seen yet.

Payloads are signed by the Standard Webhooks specification, for which there are verified libraries in
many languages: `webhook-timestamp` holds the seconds since 1970, and `webhook-signature` holds `v1,`
and, in base64, the HMAC-SHA256 of `webhook-id`, `webhook-timestamp` and the body with full stops
between them. Its key is what the secret holds in base64 after `whsec_`. While a secret is being
changed there are two signatures with a space between them. To check it:

```python
{VERIFY}```

A webhook from before that keeps the header `Dermaport-Signature: t=…,v1=…` (the HMAC-SHA256 of
`t.body` in hexadecimal, with the whole secret as its key) until its secret is changed.

The `secret` is in this answer only.
"""
