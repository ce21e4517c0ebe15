"""What a receiver's author needs to know; shown in the API's reference and on the page."""

VERIFY = '''\
import hashlib, hmac, re, time

def is_genuine(secret: str, header: str, body: bytes, tolerance: int = 300) -> bool:
    """Whether `body`, as received, was signed with `secret` within the last minutes."""
    parts = [part.partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t" and re.fullmatch("[0-9]{1,12}", value)]
    if len(stamps) != 1 or abs(time.time() - int(stamps[0])) > tolerance:
        return False
    signed = f"{stamps[0]}.".encode() + body
    expected = hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
    return any(name == "v1" and hmac.compare_digest(value.encode(), expected.encode())
               for name, _, value in parts)
'''

DESCRIPTION = f"""\
The portal POSTs JSON to the address: `id`, `type`, `created_at`, `clinic`, `submission`, `data` (ids and
codes only) and `url`, where the rest is read with a token. Answer with a 2xx status within 10 seconds;
anything else, redirects included, is tried again for about a day, each time later. After days of
failure the webhook is switched off and the clinic's administrators are told.

Deliveries can come twice and in any order: `id`, also in the header `Dermaport-Event-Id`, is the same at
every try and every redelivery, so keep the ids that you have seen.

Where a clinic lets its dermatologists read before they see the answer, `prediction.succeeded` stands
for a refusal too, so that no payload says what isn't to be seen yet.

The header `Dermaport-Signature: t=…,v1=…` holds the time of sending and the HMAC-SHA256 of
`t.body` in hexadecimal. While a secret is being changed there are two `v1`. To check it:

```python
{VERIFY}```

The `secret` is in this answer only.
"""
