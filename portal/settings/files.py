"""Where files lie, how they are encrypted, and what may be uploaded."""

from pathlib import Path

import environ

from portal.settings.paths import BASE_DIR, VAR_DIR

env = environ.Env()

# --- Files ----------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "portal" / "static"]
# Originals are sealed: no URL leads to them. Derivatives are served by a view that checks who
# asks. Both may move to object storage (django-storages) by the two variables.
SEALED_ROOT = VAR_DIR / "sealed"
DERIVED_ROOT = VAR_DIR / "derived"
S3_OPTIONS = {
    "bucket_name": env.str("DERMAPORT_S3_BUCKET", default=""),
    "endpoint_url": env.str("DERMAPORT_S3_ENDPOINT", default="") or None,
    "region_name": env.str("DERMAPORT_S3_REGION", default="") or None,
    "default_acl": "private",
    "querystring_auth": True,
    "file_overwrite": False,
}


def _image_storage(root: Path, prefix: str) -> dict[str, object]:
    if S3_OPTIONS["bucket_name"]:
        return {
            "BACKEND": "portal.common.encryption.object_storage.EncryptedS3Storage",
            "OPTIONS": {**S3_OPTIONS, "location": prefix},
        }
    return {
        "BACKEND": "portal.common.encryption.storage.EncryptedFileSystemStorage",
        # No base_url: asking for a public address of a patient's image is an error.
        "OPTIONS": {"location": str(root), "file_permissions_mode": 0o600},
    }


STORAGES = {
    "default": _image_storage(DERIVED_ROOT, "derived"),
    "sealed": _image_storage(SEALED_ROOT, "sealed"),
    "derived": _image_storage(DERIVED_ROOT, "derived"),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_URL = ""

# --- Encryption at rest ---------------------------------------------------------------------
# The first encrypts, all decrypt. To rotate: put a new one first, run rotate_encryption, then take
# the old one away. Environments give it a default, or refuse to start without.
DERMAPORT_ENCRYPTION_KEYS: list[str] = env.list("DERMAPORT_ENCRYPTION_KEYS", default=[])

# --- Uploads --------------------------------------------------------------------------------
DERMAPORT_UPLOAD_MAX_BYTES = env.int("DERMAPORT_UPLOAD_MAX_BYTES", default=25 * 1024 * 1024)
DERMAPORT_UPLOAD_MAX_PIXELS = env.int("DERMAPORT_UPLOAD_MAX_PIXELS", default=60_000_000)
DERMAPORT_UPLOAD_MIN_SIDE = env.int("DERMAPORT_UPLOAD_MIN_SIDE", default=224)
DERMAPORT_UPLOAD_MAX_IMAGES = env.int("DERMAPORT_UPLOAD_MAX_IMAGES", default=10)
DERMAPORT_UPLOAD_FORMATS: list[str] = env.list(
    "DERMAPORT_UPLOAD_FORMATS", default=["JPEG", "PNG", "WEBP", "TIFF", "HEIC", "DICOM"]
)
DERMAPORT_DERIVATIVE_MAX_SIDE = env.int("DERMAPORT_DERIVATIVE_MAX_SIDE", default=2048)
# A FHIR Bundle carries its images as text: it is held in memory whole while it is read.
DERMAPORT_FHIR_MAX_BYTES = env.int("DERMAPORT_FHIR_MAX_BYTES", default=64 * 1024 * 1024)
# Django's own limits guard form fields; file bytes are limited by the sum of all images.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = DERMAPORT_UPLOAD_MAX_IMAGES * 2
