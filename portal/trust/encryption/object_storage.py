"""S3 storage, encrypted; apart, because importing it needs boto3."""

from storages.backends.s3 import S3Storage

from portal.trust.encryption.storage import EncryptedStorageMixin


class EncryptedS3Storage(EncryptedStorageMixin, S3Storage):
    pass
