"""Where files lie, how they are encrypted, and what may be uploaded."""

from pathlib import Path

from portal.settings.environment import Environment
from portal.settings.paths import BASE_DIR, VAR_DIR

env = Environment("Database, broker, files")

# --- Files ----------------------------------------------------------------------------------
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "portal" / "static"]
# Originals are sealed: no URL leads to them. Derivatives are served by a view that checks who
# asks. Both move to object storage (django-storages) by naming a bucket; its library reads where that
# lies and how to get in from the variables that every program for S3 reads.
SEALED_ROOT = VAR_DIR / "sealed"
DERIVED_ROOT = VAR_DIR / "derived"
S3_OPTIONS = {
    "bucket_name": env.text(
        "DERMAPORT_S3_BUCKET",
        "bucket of an object storage for images, reached by `AWS_ENDPOINT_URL_S3`, `AWS_DEFAULT_REGION` and the "
        "keys that S3's own library reads; none: files in `DERMAPORT_VAR`",
    ),
    "default_acl": "private",
    "querystring_auth": True,
    "file_overwrite": False,
}


def _image_storage(root: Path, prefix: str) -> dict[str, object]:
    if S3_OPTIONS["bucket_name"]:
        return {
            "BACKEND": "portal.trust.encryption.object_storage.EncryptedS3Storage",
            "OPTIONS": {**S3_OPTIONS, "location": prefix},
        }
    return {
        "BACKEND": "portal.trust.encryption.storage.EncryptedFileSystemStorage",
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
DERMAPORT_ENCRYPTION_KEYS: list[str] = env.secrets(
    "DERMAPORT_ENCRYPTION_KEYS",
    "keys of patients' texts and images, separated by commas, at least 32 characters each: the first "
    "encrypts, all decrypt; required in production",
    shown="`var/encryption_key`; none in production",
)

# --- Uploads --------------------------------------------------------------------------------
DERMAPORT_UPLOAD_MAX_BYTES = env.integer(
    "DERMAPORT_UPLOAD_MAX_BYTES", "bytes of one image", default=25 * 1024 * 1024, shown="26214400 (25 MiB)"
)
# Width × height × frames of one image.
DERMAPORT_UPLOAD_MAX_PIXELS = 60_000_000
# The shortest side, in pixels.
DERMAPORT_UPLOAD_MIN_SIDE = 224
DERMAPORT_UPLOAD_MAX_IMAGES = 10
# Told from the content of a file, never from its name.
DERMAPORT_UPLOAD_FORMATS = ["JPEG", "PNG", "WEBP", "TIFF", "HEIC", "DICOM"]
# The longer side of the picture that is shown.
DERMAPORT_DERIVATIVE_MAX_SIDE = 2048
# A FHIR Bundle carries its images as text: it is held in memory whole while it is read.
DERMAPORT_FHIR_MAX_BYTES = 64 * 1024 * 1024
# Django's own limits guard form fields; file bytes are limited by the sum of all images.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
FILE_UPLOAD_MAX_MEMORY_SIZE = 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FILES = DERMAPORT_UPLOAD_MAX_IMAGES * 2
