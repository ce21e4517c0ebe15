"""Polyglot files: what is a photo to one program and something else to another.

The derivative is rebuilt from pixels, so only the sealed original could ever be opened as the other
thing; it is refused all the same. Plain bytes after the photo are left alone: phones append some.
"""

import re
from typing import Final

# Readers look for these near the start: PDF within 1,024 bytes, browsers within 1,445.
_START: Final = 1536
_DOCUMENT: Final = re.compile(rb"%pdf-|<!doctype\s+html|<html[\s>]|<script[\s>]|<svg[\s>]|<\?php")
_DOCUMENT_NAMES: Final = {b"%pdf-": "a PDF document", b"<svg": "an SVG drawing", b"<?php": "a program"}
_ZIP_END: Final = b"PK\x05\x06"
_ZIP_END_SIZE: Final = 22
_ZIP_COMMENT_MAX: Final = 65535


def find_hidden_document(data: bytes) -> str | None:
    """Name the document that the photo also is, or return None."""
    found = _DOCUMENT.search(data[:_START].lower())
    if found:
        for start, name in _DOCUMENT_NAMES.items():
            if found.group().startswith(start):
                return name
        return "a web page"
    return "a ZIP archive" if _ends_as_zip(data) else None


def _ends_as_zip(data: bytes) -> bool:
    """A ZIP is read from its end: a record whose comment reaches exactly to the last byte."""
    at = data.rfind(_ZIP_END, -(_ZIP_END_SIZE + _ZIP_COMMENT_MAX))
    if at < 0 or at + _ZIP_END_SIZE > len(data):
        return False
    comment = int.from_bytes(data[at + 20 : at + 22], "little")
    return at + _ZIP_END_SIZE + comment == len(data)
