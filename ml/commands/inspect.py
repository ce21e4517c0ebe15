"""`python -m ml inspect`: what a network file holds and whether it may be registered."""

import argparse
import json
import re

from ml.network_files.inspection import Inspection, inspect_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    parser.add_argument("file", help="the .h5 file; nothing in it is executed")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--input-size", type=read_size, help="HEIGHTxWIDTH, where the file leaves it open")


def run(options: argparse.Namespace) -> int:
    """Print what was found; returns 0 when the file registers, 1 when it is refused."""
    found = inspect_file(options.file, options.input_size)
    print(json.dumps(found.to_dict(), indent=2) if options.json else describe_file(found))
    return 1 if found.refusal else 0


def describe_file(found: Inspection) -> str:
    """Return the inspection as lines for a terminal."""
    lines = [f"SHA-256       {found.sha256 or 'not read'}", f"Size          {found.size:,} bytes"]
    if found.refusal:
        return "\n".join([*lines, f"Refused       {found.refusal['code']}: {found.refusal['message']}"])
    shape = "x".join("any" if side is None else str(side) for side in found.input_shape)
    layers = ", ".join(f"{count} {kind}" for kind, count in (found.layers or {}).items())
    converted = ", to be converted once" if found.converts else ""
    lines += [
        f"Kind          legacy HDF5, Keras {found.keras_version or 'unknown'}{converted}",
        f"Input         {shape}",
        f"Output        {found.outputs} ({found.head})",
        f"Parameters    {found.parameters:,}",
        f"Layers        {layers}",
        f"Say yourself  {'; '.join(found.must_declare)}",
        "Dangers       none found; it may be registered with manage.py register_model",
    ]
    return "\n".join(lines)


def read_size(text: str) -> tuple[int, int]:
    """Return "HEIGHTxWIDTH" as two numbers; raises argparse.ArgumentTypeError."""
    found = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", text)
    if not found:
        raise argparse.ArgumentTypeError(f"expected HEIGHTxWIDTH, received {text!r:.40}")
    return int(found[1]), int(found[2])
