"""Settings shared by every environment.

Everything that differs between machines comes from environment variables (`environment.py`), each
listed in docs/operators.md. What nobody turns is a constant here. No secret has a default: what is
missing stops the start.
"""

import datetime as dt
from pathlib import Path
from urllib.parse import urlsplit

from celery.schedules import crontab

from portal.settings.access import *  # noqa: F403
from portal.settings.access import DERMAPORT_LOGIN_RATE
from portal.settings.browser import *  # noqa: F403
from portal.settings.environment import Environment, refuse_moved
from portal.settings.files import *  # noqa: F403
from portal.settings.logs import configure_logging
from portal.settings.paths import BASE_DIR, VAR_DIR
from portal.settings.programs import *  # noqa: F403
from portal.settings.serving import *  # noqa: F403
from portal.settings.serving import ALLOWED_HOSTS, TRUSTED_PROXIES, WEB_THREADS
from portal.settings.webhooks import *  # noqa: F403
from portal.settings.webhooks import DERMAPORT_SITE_URL

refuse_moved()

env = Environment("The site")
storage = Environment("Database, broker, files")
workers = Environment("Networks and workers")
audit = Environment("Privacy and audit log")
programs = Environment("Programs and webhooks")
demo = Environment("Demo")

DEBUG = False
SECRET_KEY = env.text(
    "SECRET_KEY",
    "signs sessions, forms and links in mails; required in production",
    shown="made in `var/` by `make run`",
)
SECRET_KEY_FALLBACKS = env.secrets(
    "SECRET_KEY_FALLBACKS",
    "former values of `SECRET_KEY`: what they signed, and what an earlier version sealed with them, is still read",
)
# Forms come from the site's own names, also where a proxy in front rewrites the Host header.
CSRF_TRUSTED_ORIGINS = [f"https://{name}" for name in ALLOWED_HOSTS if not name.startswith((".", "*"))]
if (_site := urlsplit(DERMAPORT_SITE_URL)).scheme and _site.netloc:
    CSRF_TRUSTED_ORIGINS.append(f"{_site.scheme}://{_site.netloc}")

INSTALLED_APPS = [
    "portal.trust.common",
    "portal.trust.audit",
    "portal.trust.accounts",
    "portal.operations.health",
    "classifier",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.humanize",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "django_htmx",
    "django_filters",
    "rest_framework",
    "knox",
    "oauth2_provider",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "django_structlog",
]

MIDDLEWARE = [
    "portal.trust.common.middleware.IsolationHeadersMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "portal.trust.common.chunked_bodies.ChunkedBodyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "portal.trust.accounts.sessions.limits.SessionLimitsMiddleware",
    "portal.trust.accounts.middleware.CurrentClinicMiddleware",
    "portal.trust.accounts.second_factor.middleware.SecondFactorMiddleware",
    "classifier.pages.emergency_session.EmergencyMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "portal.trust.common.middleware.NoStoreMiddleware",
    "portal.trust.audit.middleware.AuditRefusalsMiddleware",
]

ROOT_URLCONF = "portal.urls"
WSGI_APPLICATION = "portal.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "portal.trust.accounts.context.site",
            ],
        },
    },
]

# --- Database -------------------------------------------------------------------------------
DATABASES = {
    "default": storage.database(
        "DATABASE_URL",
        "the database; production requires PostgreSQL: `postgres://…`",
        default=f"sqlite:///{VAR_DIR / 'db.sqlite3'}",
        shown="SQLite in `var/`",
    )
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
if DATABASES["default"]["ENGINE"] == "django.db.backends.sqlite3":
    # Writers queue up instead of failing: IMMEDIATE takes the write lock at BEGIN, so that a
    # transaction that reads first can't meet SQLITE_BUSY when it comes to write.
    DATABASES["default"].setdefault("OPTIONS", {}).update(
        transaction_mode="IMMEDIATE",
        timeout=30,
        init_command=(
            "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON;PRAGMA cache_size=-65536;"
        ),
    )
else:
    DATABASES["default"]["CONN_MAX_AGE"] = 60
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
    # PostgreSQL's compiler takes seconds over queries that then run for milliseconds: the state of
    # a case is nested EXISTS (measured: 42 s against 0.1 s for eleven such queries).
    DATABASES["default"].setdefault("OPTIONS", {}).setdefault("options", "-c jit=off")

# Rate limits must be shared by all web processes and must not need the broker: a lost Redis
# may delay a result, never a log-in.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "portal_cache",
        # Django's 300 would let a flood push out the counts that limit it.
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

# --- People ---------------------------------------------------------------------------------
AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["allauth.account.auth_backends.AuthenticationBackend"]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "portal.trust.accounts.login.adapter.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_PREVENT_ENUMERATION = True
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_RATE_LIMITS = {
    "login": DERMAPORT_LOGIN_RATE,
    # Passwords and codes of a second factor have waits of their own (login_limits).
    "login_failed": None,
    "reset_password": "20/m/ip,5/m/key",
    "oauth": "60/m/ip",
}
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SAMESITE = "Lax"
EMAIL_CONFIG = env.mail(
    "EMAIL_URL",
    "the mail server, such as `smtp+tls://user:password@mail.example.org:587`",
    default="consolemail://",
    shown="printed by the process",
)
vars().update(EMAIL_CONFIG)
DEFAULT_FROM_EMAIL = env.text("DERMAPORT_FROM_EMAIL", "the sender of mails", default="dermaport@localhost")
# A page waits for the mail server no longer than this.
EMAIL_TIMEOUT = 10
DERMAPORT_INVITATION_DAYS = 7
DERMAPORT_EMERGENCY_MINUTES = 60
# Emergency accesses and failed tries of one person an hour.
DERMAPORT_EMERGENCY_ATTEMPTS = 5
DERMAPORT_EMERGENCY_REASON_LENGTH = 20

# --- Language and time ----------------------------------------------------------------------
LANGUAGE_CODE = "en-gb"
TIME_ZONE = env.text(
    "DERMAPORT_TIME_ZONE", "time zone of the pages and of the hours of the night", default="UTC"
)
USE_I18N = True
USE_TZ = True
FORMAT_MODULE_PATH: list[str] = []

# --- The job engine -------------------------------------------------------------------------
REDIS_URL = storage.text(
    "REDIS_URL",
    "the broker; required in production: `redis://…`",
    default=f"redis+socket://{VAR_DIR / 'valkey.sock'}",
    shown="the embedded Valkey",
)
DERMAPORT_MODELS_DIR = Path(
    workers.text(
        "DERMAPORT_MODELS_DIR",
        "where registered `.h5` files lie",
        shown="`ml/weights`",
    )
    or BASE_DIR / "ml" / "weights"
)
# Made active where none is; which one serves is then chosen on the page of models.
DERMAPORT_DEFAULT_MODEL = "efficientnetv2-b0"
# The quality and domain gates. Off only where tests draw their pictures, which pass none.
DERMAPORT_GATES = True
# Images that a worker claims at once.
DERMAPORT_BATCH_SIZE = 32
DERMAPORT_GPUS = workers.integer(
    "DERMAPORT_GPUS",
    "graphics cards that one worker shares out, one process each; 0 never takes one",
    default=1,
)
DERMAPORT_DEVICE = "auto" if DERMAPORT_GPUS else "cpu"
DERMAPORT_MAX_ATTEMPTS = 3
DERMAPORT_TASK_SOFT_SECONDS = 120
DERMAPORT_TASK_HARD_SECONDS = 150
# A lease outlives the hard limit of the task that holds it: a slow worker keeps its claim, a
# dead one loses it.
DERMAPORT_LEASE_SECONDS = 180
DERMAPORT_RECONCILE_SECONDS = 60
# The broker takes a message back after this long: longer than any task may run (checked at start).
DERMAPORT_VISIBILITY_SECONDS = 900

CELERY_BROKER_URL = REDIS_URL.replace("unix://", "redis+socket://", 1)
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": DERMAPORT_VISIBILITY_SECONDS,
    # Sending gives up soon: the row is queued, and the reconciler wakes a worker for it.
    "socket_connect_timeout": 1,
    "socket_timeout": 3,
    "max_retries": 0,
}
CELERY_BROKER_CONNECTION_TIMEOUT = 1
CELERY_TASK_PUBLISH_RETRY = False
# A worker or beat, on the other hand, waits for its broker for ever.
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_SERIALIZER = "json"
CELERY_RESULT_BACKEND = None
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_ENABLE_REMOTE_CONTROL = False
CELERY_WORKER_PROC_ALIVE_TIMEOUT = 120
CELERY_TASK_SOFT_TIME_LIMIT = DERMAPORT_TASK_SOFT_SECONDS
CELERY_TASK_TIME_LIMIT = DERMAPORT_TASK_HARD_SECONDS
CELERY_TASK_DEFAULT_QUEUE = "default"
# Hours of the night are those of the clinic's clock.
CELERY_TIMEZONE = TIME_ZONE
CELERY_TASK_ROUTES = {
    "classifier.tasks.run_predictions_task": {"queue": "predictions"},
    "classifier.tasks.run_explanations_task": {"queue": "predictions"},
    "classifier.tasks.run_outlines_task": {"queue": "predictions"},
    # Apart: who waits for a slow receiver must not keep an image waiting.
    "classifier.tasks.deliver_webhooks_task": {"queue": "webhooks"},
}
CELERY_BEAT_SCHEDULE = {
    "forget-expired-tokens": {
        "task": "classifier.tasks.forget_expired_tokens_task",
        "schedule": dt.timedelta(hours=6),
        "options": {"expires": 3600},
    },
    "forget-expired-sessions": {
        "task": "classifier.tasks.forget_expired_sessions_task",
        "schedule": dt.timedelta(hours=6),
        "options": {"expires": 3600},
    },
    "reconcile-predictions": {
        "task": "classifier.tasks.reconcile_predictions_task",
        "schedule": DERMAPORT_RECONCILE_SECONDS,
        # While no worker runs, one reconciliation waits, not a heap of them.
        "options": {"expires": DERMAPORT_RECONCILE_SECONDS},
    },
    "forget-requests": {
        "task": "classifier.tasks.forget_requests_task",
        "schedule": 3600,
        "options": {"expires": 3600},
    },
    "reconcile-webhooks": {
        "task": "classifier.tasks.reconcile_webhooks_task",
        "schedule": DERMAPORT_RECONCILE_SECONDS,
        "options": {"expires": DERMAPORT_RECONCILE_SECONDS},
    },
    "apply-retention": {
        "task": "classifier.tasks.apply_retention_task",
        # At night. Each later hour goes on where a run was killed.
        "schedule": crontab(minute=15, hour="1-4"),
        "options": {"expires": 1800},
    },
    # On the clinics' clock, before the working day begins.
    "tell-overdue": {
        "task": "classifier.tasks.tell_overdue_task",
        "schedule": crontab(minute=30, hour=6),
        "options": {"expires": 3 * 3600},
    },
    "remove-files": {
        "task": "classifier.tasks.remove_files_task",
        "schedule": DERMAPORT_RECONCILE_SECONDS,
        "options": {"expires": DERMAPORT_RECONCILE_SECONDS},
    },
}

# --- Audit ----------------------------------------------------------------------------------
# What all chains of events say is written down once an hour: in a table, in this file and in the
# log. Put the file where who owns the database can't write; "" keeps it to table and log.
DERMAPORT_AUDIT_ANCHOR_FILE = audit.text(
    "DERMAPORT_AUDIT_ANCHOR_FILE",
    "where anchors of the audit log are appended; empty: table and log only",
    default=str(VAR_DIR / "audit-anchors.jsonl"),
    shown="`var/audit-anchors.jsonl`",
)
DERMAPORT_AUDIT_ANCHOR_SECONDS = 3600
# Signs each anchor; without it the file's own place is what makes it trustworthy.
DERMAPORT_AUDIT_ANCHOR_KEY = audit.text("DERMAPORT_AUDIT_ANCHOR_KEY", "signs each anchor with HMAC-SHA256")
CELERY_BEAT_SCHEDULE["anchor-audit"] = {
    "task": "portal.audit.tasks.anchor_audit_task",
    "schedule": DERMAPORT_AUDIT_ANCHOR_SECONDS,
    "options": {"expires": DERMAPORT_AUDIT_ANCHOR_SECONDS},
}

# --- REST -----------------------------------------------------------------------------------
DERMAPORT_API_CALLS_PER_MINUTE = programs.integer(
    "DERMAPORT_API_CALLS_PER_MINUTE",
    "calls a minute of one API token, session, or OAuth application and whom it acts for; five times as many "
    "of a whole clinic",
    default=600,
)
DERMAPORT_API_CLINIC_CALLS_PER_MINUTE = 5 * DERMAPORT_API_CALLS_PER_MINUTE
# Images of a clinic that may wait or be judged when one more comes over the API.
DERMAPORT_API_ACTIVE_PREDICTIONS = 500
# Requests of one web process that may wait for a result (?wait=), each holding a thread for half a
# minute: at least as many threads are left to everybody else.
DERMAPORT_API_WAITING = min(4, WEB_THREADS // 2)
# Images as base64 in JSON are read into memory; larger ones come as multipart.
DERMAPORT_API_JSON_MAX_BYTES = 40 * 1024 * 1024
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "classifier.api.authentication.BearerAuthentication",
        "rest_framework.authentication.SessionAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": [
        "classifier.api.parsers.BoundedJSONParser",
        "rest_framework.parsers.FormParser",
    ],
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_SCHEMA_CLASS": "classifier.api.schema.PortalAutoSchema",
    "EXCEPTION_HANDLER": "drf_standardized_errors.handler.exception_handler",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.ScopedRateThrottle",
        "classifier.drf.throttling.CallRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {"token": "10/min"},
    "NUM_PROXIES": TRUSTED_PROXIES,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
DRF_STANDARDIZED_ERRORS = {
    "EXCEPTION_HANDLER_CLASS": "classifier.api.errors.ProblemHandler",
    "EXCEPTION_FORMATTER_CLASS": "classifier.api.errors.ProblemFormatter",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Dermaport",
    "DESCRIPTION": (
        "Submit images of a skin lesion, poll, and read what the model says and what a "
        "dermatologist signs. A model's result is preliminary until then."
    ),
    "VERSION": "1",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": None},
    "ENUM_NAME_OVERRIDES": {
        "DiagnosisEnum": "classifier.domain.vocabulary.Diagnosis",
        "ManagementEnum": "classifier.domain.vocabulary.Management",
        "CaptureKindEnum": "classifier.domain.vocabulary.CaptureKind",
        "DermoscopicTypeEnum": "classifier.domain.vocabulary.DermoscopicType",
        "HistopathologyEnum": "classifier.domain.vocabulary.Histopathology",
        "PredictionStateEnum": "classifier.domain.states.PredictionState",
        "DeliveryStateEnum": "classifier.domain.states.DeliveryState",
        "WebhookEventTypeEnum": "classifier.domain.vocabulary.WebhookEventType",
        "WebhookChosenEventEnum": "classifier.domain.vocabulary.CHOSEN_EVENTS",
        "SubmissionStateEnum": "classifier.models.submission.SubmissionState",
    },
}

# --- Demo -----------------------------------------------------------------------------------
DERMAPORT_DEMO = demo.switch(
    "DERMAPORT_DEMO",
    "invented clinics, people and cases",
    default=False,
    shown="on with `make run`, else off",
)

# --- Logging --------------------------------------------------------------------------------
DEFAULT_EXCEPTION_REPORTER = "portal.trust.common.reports.PatientSafeReporter"
LOGGING = configure_logging(as_json=False)
