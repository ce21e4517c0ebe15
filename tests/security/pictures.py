"""Files that are no honest photo: other things under a photo's name, two things at once, and bombs."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

from PIL import Image

from tests.classifier.dicom.samples import build_dicom
from tests.classifier.intake.samples import draw_picture, encode
from tests.classifier.intake.test_inspection import (
    add_comment,
    build_png,
    build_tiff,
    build_webp,
    build_zip,
    patch_jpeg,
)

SCRIPT = b"<script>window.__pwned=1</script>"
PICTURE = draw_picture()
JPEG, PNG, GIF = (encode(PICTURE, name) for name in ("JPEG", "PNG", "GIF"))
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="window.__pwned=1"><script>1</script></svg>'
PAGE = b"<!DOCTYPE html><html><body>" + SCRIPT + b"</body></html>"


def add_png_text(data: bytes, text: bytes) -> bytes:
    """A text chunk behind the header, where a browser that guesses would look."""
    body = b"tEXt" + b"Title\0" + text
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    return data[:33] + chunk + data[33:]


def build_jar() -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Main-Class: Evil\n")
    return target.getvalue()


def build_frames(name: str, count: int) -> bytes:
    """A thousand small pictures in one file: each is allowed, all together are not."""
    frames = [Image.new("RGB", (256, 256), (n % 256, 0, 0)) for n in range(count)]
    return encode(frames[0], name, save_all=True, append_images=frames[1:])


REFUSED = {
    "svg": SVG,
    "svg with a prolog": b'<?xml version="1.0"?>' + SVG,
    "svg, compressed": b"\x1f\x8b" + zlib.compress(SVG),
    "page": PAGE,
    "page behind spaces": b" \n\t" * 40 + PAGE,
    "page in UTF-16": PAGE.decode().encode("utf-16"),
    "script": b"#!/bin/sh\nid",
    "pdf": b"%PDF-1.7\n1 0 obj<</OpenAction<</S/JavaScript/JS(1)>>>>",
    "archive": build_zip(),
    "program": b"MZ" + bytes(300),
    "gifar": GIF + build_jar(),
    "gif": GIF,
    "jpeg and archive": JPEG + build_jar(),
    "jpeg and page in a comment": add_comment(JPEG, PAGE),
    "jpeg and php in a comment": add_comment(JPEG, b"<?php system($_GET[0]); ?>"),
    "jpeg and svg in a comment": add_comment(JPEG, SVG),
    "png and page in a text": add_png_text(PNG, PAGE),
    "png and archive": PNG + build_jar(),
    "webp and page": encode(PICTURE, "WEBP")[:12] + PAGE,
    "dicom that starts as a page": PAGE[:100] + build_dicom(PICTURE)[100:],
    "dicom with a script behind": build_dicom(PICTURE) + SCRIPT,
    "png bomb": build_png(60_000, 60_000),
    "tiff bomb": build_tiff(100_000, 100_000),
    "webp bomb": build_webp(16_383, 16_383),
    "jpeg bomb": patch_jpeg(65_500, 65_500),
    "tiff of many pages": build_frames("TIFF", 300),
    "png of many frames": build_frames("PNG", 60),
    "empty": b"",
    "cut": JPEG[: len(JPEG) // 2],
}
"""What no door takes, each with what it is."""

CARRIERS = {
    "jpeg with a script behind": JPEG + bytes(2000) + SCRIPT,
    "jpeg with a script far inside": add_comment(JPEG, bytes(3000) + SCRIPT),
    "png with a script behind": PNG + SCRIPT,
    "png with a script far inside": add_png_text(PNG, bytes(3000) + SCRIPT),
    "jpeg with a description": encode(PICTURE, "JPEG", comment=bytes(2000) + SCRIPT),
}
"""Photos that carry more than a picture: taken, since phones do it; what is served is rebuilt."""

NAMES = [
    "../../../etc/passwd.jpg",
    "..\\..\\windows\\system32\\evil.jpg",
    "/etc/passwd",
    "C:\\evil.jpg",
    "evil.jpg\0.html",
    "evil.html",
    "evil.svg",
    "evil.php.jpg",
    ".htaccess",
    "CON.jpg",
    "a" * 300 + ".jpg",
    "évil-\u202egpj.exe",
    "%2e%2e%2fevil.jpg",
    "evil;rm -rf.jpg",
    '"><svg onload=alert(1)>.jpg',
    "evil\r\nSet-Cookie: a=b.jpg",
    "\ud83d\ude00.jpg".encode("utf-16", "surrogatepass").decode("utf-16"),
]
