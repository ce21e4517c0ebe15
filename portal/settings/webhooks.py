"""Webhooks: where they may go, how long one may take, how often it is tried."""

from portal.settings.environment import Environment

env = Environment("Programs and webhooks")

DERMAPORT_SITE_URL = (
    Environment("The site")
    .text(
        "DERMAPORT_SITE_URL",
        "the portal's own address, such as `https://skin.example`: before the paths in webhooks and mails",
    )
    .rstrip("/")
)

DERMAPORT_WEBHOOK_PORTS = env.numbers(
    "DERMAPORT_WEBHOOK_PORTS", "ports that webhooks may name", default=(443, 8443)
)
DERMAPORT_WEBHOOK_NETWORKS = env.names(
    "DERMAPORT_WEBHOOK_NETWORKS",
    "the hospital's own networks, such as `10.20.0.0/16`: the only private addresses that webhooks may call",
)
DERMAPORT_WEBHOOK_CA_FILE = env.text(
    "DERMAPORT_WEBHOOK_CA_FILE", "certificates of the hospital's own authority, besides the public ones"
)
# A receiver on the same machine, over http and on any port: for developers (`development.py`). Elsewhere it
# would open the site's own services to a clinic.
DERMAPORT_WEBHOOK_LOOPBACK = False

# To look the name up and connect.
DERMAPORT_WEBHOOK_CONNECT_SECONDS = 5.0
# From looking up the name to the last byte of the answer that is read.
DERMAPORT_WEBHOOK_SECONDS = 10.0
# Deliveries under way at once in one process, and of these for one endpoint.
DERMAPORT_WEBHOOK_PARALLEL = 16
DERMAPORT_WEBHOOK_PER_ENDPOINT = 2

# How long one delivery is tried; after how long without a success an endpoint is switched off.
DERMAPORT_WEBHOOK_RETRY_HOURS = 24.0
DERMAPORT_WEBHOOK_DISABLE_DAYS = 3.0
# How long a former secret signs beside a new one.
DERMAPORT_WEBHOOK_OVERLAP_HOURS = 24.0
# How long the log of deliveries is kept.
DERMAPORT_WEBHOOK_KEEP_DAYS = 30
# Webhooks of one clinic.
DERMAPORT_WEBHOOK_MOST = 20
