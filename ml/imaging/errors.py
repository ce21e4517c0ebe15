"""Errors of undecodable images: what is said of bytes that are no usable picture."""


class UndecodableImageError(ValueError):
    """The bytes are not an image that can be decoded whole.

    `code` is stable: empty_file, unsupported_format, mixed_content, too_many_pixels, truncated or
    corrupt. `message` is a sentence for a person.
    """

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
