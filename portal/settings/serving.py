"""How the site is reached: its names, the web server, proxies in front, TLS."""

from portal.settings.environment import Environment

env = Environment("The site")

ALLOWED_HOSTS = env.names(
    "DERMAPORT_ALLOWED_HOSTS", "names of the site, separated by commas; required in production"
)
HOST = env.text("HOST", "where the web server listens", default="127.0.0.1") or "127.0.0.1"
PORT = env.integer("PORT", "its port", default=8000)
WEB_CONCURRENCY = env.integer("WEB_CONCURRENCY", "web processes", default=2)
WEB_THREADS = env.integer(
    "WEB_THREADS", "threads in each; half of them, four at most, may wait for a result (`?wait=`)", default=8
)

# Rate limits count by address, and production redirects to https. Without a proxy in front, what these
# headers say is the caller's own word and is ignored.
TRUSTED_PROXIES = env.integer(
    "DERMAPORT_TRUSTED_PROXIES",
    "proxies in front, where TLS ends: each adds to `X-Forwarded-For`, and the last sets `X-Forwarded-Proto` "
    "itself and drops the client's",
    default=0,
)
ALLAUTH_TRUSTED_PROXY_COUNT = TRUSTED_PROXIES
