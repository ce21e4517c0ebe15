"""Webhooks: what happens here is told to the systems that a clinic names.

One delivery, from end to end: `outbox` writes the event and its deliveries in the transaction of
what happened and wakes the sender; `delivery` claims what is due, sends it and retries; `signing`
signs the payload; `transport` sends it over a connection that `ssrf_guard` lets through.
`endpoints` is for administrators: addresses, secrets, on and off, tests and redelivery. `docs` is
what a receiver's author reads.

Pages and API call `endpoints`; tasks call `delivery`; whatever happens elsewhere calls `outbox` only.
"""
