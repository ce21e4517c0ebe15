"""Command `register_model`: somebody else's network, with what they declare of it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from classifier.domain.diagnoses import find_label
from classifier.domain.errors import ServiceError
from classifier.engine import serving
from classifier.models import ModelVersion
from classifier.registry.files import register_file
from classifier.registry.outlines import activate_outline_network, register_outline_file

VERDICT_ALONE = ("classes", "reference", "expected")


class Command(BaseCommand):
    help = (
        "Register anybody's .h5 network: scanned before anything of it runs, converted if Keras 2 wrote "
        "it, tried out, copied to the models folder. It judges nothing until it is activated."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file")
        parser.add_argument(
            "--scale",
            required=True,
            choices=serving.SCALINGS,
            help="x/255, x, x/127.5-1 (also called tf), or a convention of Keras's preprocess_input",
        )
        parser.add_argument(
            "--kind",
            default="verdict",
            choices=["verdict", "outline"],
            help="outline: one that outlines the lesion, P(lesion) of each pixel, and gives no verdict",
        )
        parser.add_argument(
            "--activate", action="store_true", help="with --kind outline: let it outline from now on"
        )
        parser.add_argument(
            "--classes",
            default="",
            help="of a verdict: names in output order, with commas; three or more are shown as diagnoses (nv, mel, bcc, …)",
        )
        parser.add_argument("--malignant", default="malignant", help="those that count as malignant")
        parser.add_argument(
            "--colour-order", default="", choices=["rgb", "bgr"], help="bgr for caffe, else rgb"
        )
        parser.add_argument("--output", default="probabilities", choices=["probabilities", "logits"])
        parser.add_argument("--input-size", default="", help="HEIGHTxWIDTH where the file leaves it open")
        parser.add_argument("--name", default="")
        parser.add_argument("--model-version", default="1")
        parser.add_argument("--licence", default="not stated")
        parser.add_argument("--threshold", type=float, default=0.5)
        parser.add_argument("--refer", default="0.1,0.9", help="LOW,HIGH: refers between (0.1,0.9)")
        parser.add_argument("--reference", type=Path, help="an image whose result its owner knows")
        parser.add_argument("--expected", type=float, help="P(malignant) of the reference image")

    def handle(self, *_: Any, **options: Any) -> None:
        if options["kind"] == "outline":
            self._register_outline(options)
            return
        if not options["classes"] or options["activate"]:
            raise CommandError(
                "Expected --classes for a network that gives a verdict, and --activate only with --kind outline: "
                "a verdict is activated on the Models page."
            )
        try:
            version, probability = register_file(path=options["file"], declared=read_declaration(options))
        except ServiceError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{version}: {version.get_lifecycle_display().lower()}, {version.file}")
        if probability is not None:
            self.stdout.write(f"P(malignant) of the reference image: {probability:.4f}")
        if options["expected"] is None:
            self.stdout.write(
                "Not held against a known result (--reference IMAGE --expected P): scaling, colour "
                "order and class order are as you declared them."
            )
        self.stdout.write("Not calibrated: its figures are the network's own.")
        for line in describe_diagnoses(version):
            self.stdout.write(line)

    def _register_outline(self, options: dict[str, Any]) -> None:
        try:
            network = register_outline_file(path=options["file"], declared=read_outline_declaration(options))
            if options["activate"]:
                network = activate_outline_network(network=network)
        except ServiceError as error:
            raise CommandError(f"{error.code}: {error.message}") from error
        except (ValueError, OSError) as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{network}, outlines: {network.get_lifecycle_display().lower()}, {network.file}")


def describe_diagnoses(version: ModelVersion) -> list[str]:
    """How its classes will be shown as diagnoses; nothing of a network whose two classes the figure tells."""
    specification = serving.ModelSpecification.from_dict(version.specification)
    if not specification.names_diagnoses:
        return []
    labels = {name: find_label(name) for name in specification.classes}
    lines = ["Shown as diagnoses:"]
    for name, label in labels.items():
        group = "malignant" if name in specification.malignant_classes else "benign"
        lines.append(f"  {name}: {label.name if label else 'by this name, without a code'}, {group}")
    return lines


def read_outline_declaration(options: dict[str, Any]) -> serving.OutlineDeclaration:
    """What the options say of a network that outlines. Raises ValueError with a sentence."""
    said = [f"--{name.replace('_', '-')}" for name in VERDICT_ALONE if options[name]]
    if options["colour_order"] == "bgr" or options["output"] == "logits":
        said.append("--colour-order bgr or --output logits")
    if said:
        raise ValueError(
            f"Expected only options of an outline, received {', '.join(said)}: they are of a verdict."
        )
    if options["scale"] not in serving.OUTLINE_SCALINGS:
        raise ValueError(
            f"Expected --scale {', '.join(serving.OUTLINE_SCALINGS)} with --kind outline, received {options['scale']}."
        )
    return serving.OutlineDeclaration(
        scaling=options["scale"],
        input_size=read_size(options["input_size"]),
        name=options["name"],
        version=options["model_version"],
        licence=options["licence"],
    )


def read_declaration(options: dict[str, Any]) -> serving.Declaration:
    """What the options say. Raises ValueError and OSError with a sentence."""
    low, _, high = options["refer"].partition(",")
    if options["expected"] is not None and options["reference"] is None:
        raise ValueError("Expected --reference with --expected, received none.")
    return serving.declare(
        scaling=options["scale"],
        classes=split_names(options["classes"]),
        malignant_classes=split_names(options["malignant"]),
        colour_order=options["colour_order"],
        output=options["output"],
        input_size=read_size(options["input_size"]),
        name=options["name"],
        version=options["model_version"],
        licence=options["licence"],
        band=(float(low), options["threshold"], float(high)),
        reference=options["reference"].read_bytes() if options["reference"] else b"",
        expected=options["expected"],
    )


def read_size(text: str) -> tuple[int, int] | None:
    """(height, width) of HEIGHTxWIDTH, None of an empty text. Raises ValueError."""
    size = re.fullmatch(r"([1-9]\d{0,3})x([1-9]\d{0,3})", text)
    if text and not size:
        raise ValueError(f"Expected HEIGHTxWIDTH in --input-size, received {text}.")
    return (int(size[1]), int(size[2])) if size else None


def split_names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
