"""Webhooks: where they may go, how long one may take, how often it is tried."""

import environ

env = environ.Env()

# The portal's own address, such as https://skin.example: before the paths in what others are sent.
DERMAPORT_SITE_URL = env.str("DERMAPORT_SITE_URL", default="").rstrip("/")

DERMAPORT_WEBHOOK_PORTS: list[int] = env.list("DERMAPORT_WEBHOOK_PORTS", cast=int, default=[443, 8443])
# Networks of the hospital itself, such as 10.20.0.0/16: the only private addresses that are called.
DERMAPORT_WEBHOOK_NETWORKS: list[str] = env.list("DERMAPORT_WEBHOOK_NETWORKS", default=[])
# For a developer who receives on the same machine: http to loopback, on any port.
DERMAPORT_WEBHOOK_LOOPBACK = env.bool("DERMAPORT_WEBHOOK_LOOPBACK", default=False)
# Certificates of the hospital's own authority, besides the public ones.
DERMAPORT_WEBHOOK_CA_FILE = env.str("DERMAPORT_WEBHOOK_CA_FILE", default="")

DERMAPORT_WEBHOOK_CONNECT_SECONDS = env.float("DERMAPORT_WEBHOOK_CONNECT_SECONDS", default=5.0)
# From looking up the name to the last byte of the answer that is read.
DERMAPORT_WEBHOOK_SECONDS = env.float("DERMAPORT_WEBHOOK_SECONDS", default=10.0)
DERMAPORT_WEBHOOK_PARALLEL = env.int("DERMAPORT_WEBHOOK_PARALLEL", default=16)
DERMAPORT_WEBHOOK_PER_ENDPOINT = env.int("DERMAPORT_WEBHOOK_PER_ENDPOINT", default=2)

DERMAPORT_WEBHOOK_RETRY_HOURS = env.float("DERMAPORT_WEBHOOK_RETRY_HOURS", default=24.0)
DERMAPORT_WEBHOOK_DISABLE_DAYS = env.float("DERMAPORT_WEBHOOK_DISABLE_DAYS", default=3.0)
DERMAPORT_WEBHOOK_OVERLAP_HOURS = env.float("DERMAPORT_WEBHOOK_OVERLAP_HOURS", default=24.0)
DERMAPORT_WEBHOOK_KEEP_DAYS = env.int("DERMAPORT_WEBHOOK_KEEP_DAYS", default=30)
DERMAPORT_WEBHOOK_MOST = env.int("DERMAPORT_WEBHOOK_MOST", default=20)
