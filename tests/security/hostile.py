"""Words that would run where a page prints them as they are; planted in every text that people fill."""

from __future__ import annotations

import contextlib
import re
from html.parser import HTMLParser
from typing import Any

from django.apps import apps
from django.db import IntegrityError, models, transaction

from classifier.models import WebhookDelivery, WebhookEndpoint
from tests.factories import ExplanationFactory, OutcomeFactory, OutlineFactory, PatientFactory, ReviewFactory
from tests.permissions.world import World
from tests.support.tokens import make_token

ELEMENT = "x-pwned"
SHORT = f"\"'><{ELEMENT}>"
LONG = (
    f"\"'></title></textarea></script></style></select><{ELEMENT} onclick=window.__pwned=1>"
    "<svg/onload=window.__pwned=1><img src=x onerror=window.__pwned=1><script>window.__pwned=1</script>"
    "{{7*7}}{% debug %}${7*7}`-window.__pwned=1-`<!--\u202egpj.exe"
)
ADDRESS = f"javascript:window.__pwned=1//\"'><{ELEMENT}>"
FORMULA = "=HYPERLINK(1)"

# Ours, not people's: names of files, digests, codes with a fixed list, secrets.
TECHNICAL = re.compile(
    r"(sha256|digest|secret|token|key|hash|index|password|salt|algorithm|client_id|worker|device|format|"
    r"original|derivative|thumbnail|overlay|file|version|body_site|public_id|code_challenge.*|type|kind|source|"
    r".*grant_type|.*state|error_code|refusal_code|disabled_reason|purpose|store|location|sealed_.*|prefix|uid)$"
)
APPS = ("classifier", "accounts")


def payload_for(field: models.Field[Any, Any]) -> str:
    if field.name in ("url", "redirect_uris", "post_logout_redirect_uris"):
        return ADDRESS[: field.max_length or 2_000]
    room = field.max_length or 2_000
    return LONG if len(LONG) <= room else SHORT[:room]


def list_text_fields() -> list[models.Field[Any, Any]]:
    """Every column that holds somebody's words."""
    found = []
    for model in apps.get_models():
        if model._meta.app_label not in APPS:
            continue
        for field in model._meta.concrete_fields:
            is_text = isinstance(field, models.CharField | models.TextField)
            is_address = isinstance(field, models.EmailField | models.SlugField)
            is_ours = field.primary_key or field.choices or TECHNICAL.match(field.name)
            if is_text and not is_address and not is_ours and not isinstance(field, models.FileField):
                found.append(field)
    return found


def plant(world: World) -> None:
    """Rows that nobody may change are made with the words; the others get them."""
    case = world.judged
    words = LONG
    review = ReviewFactory(submission=case, comment=words, signed_by=world.side.own.dermatologist)
    ReviewFactory(
        amends=review, comment=words, amendment_reason=words, signed_by=world.side.own.dermatologist
    )
    former = OutcomeFactory(lesion=case.lesion, comment=words)
    OutcomeFactory(corrects=former, comment=words, correction_reason=words)
    ExplanationFactory(prediction=world.reviewed.images.get().predictions.get(), state="failed")
    OutlineFactory(image=world.reviewed.images.get(), state="failed")
    make_token(world.side.own.clinician)
    make_token(world.side.own.administrator)
    WebhookDelivery.objects.update(answer=LONG, error_code="timed_out")
    WebhookEndpoint.objects.filter(clinic=world.side.own.clinic).update(events=["review.signed", SHORT])
    for field in list_text_fields():
        if is_kept_for_ever(field.model):
            continue
        with contextlib.suppress(IntegrityError), transaction.atomic():
            plant_in(field)
    for patient in [case.lesion.patient, PatientFactory(clinic=world.side.own.clinic)]:
        patient.mrn = payload_for(patient._meta.get_field("mrn"))[:30] + str(patient.pk)[:8]
        patient.save()


def plant_in(field: models.Field[Any, Any]) -> None:
    """What a constraint refuses can't be stored by anybody; of what must differ each gets a number."""
    rows, words = field.model._default_manager.all(), payload_for(field)
    rules = [one for one in field.model._meta.constraints if isinstance(one, models.UniqueConstraint)]
    if not field.unique and not any(field.name in one.fields for one in rules):
        rows.update(**{field.name: words})
        return
    for n, row in enumerate(rows):
        rows.filter(pk=row.pk).update(**{field.name: words[: (field.max_length or 200) - 3] + str(n)})


def is_kept_for_ever(model: type[models.Model]) -> bool:
    return model._meta.label in ("classifier.Review", "classifier.Outcome")


class Reader(HTMLParser):
    """A page as a browser parses it: what stands in it that no template wrote."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == ELEMENT or (
            tag == "script" and not names.get("src") and names.get("type") != "application/json"
        ):
            self.found.append(tag)
        self.found += [f"{tag} {name}" for name in names if name.startswith("on")]
        for name in ("href", "src", "action", "formaction", "data", "xlink:href"):
            if re.match(r"\s*(javascript|data|vbscript):", names.get(name) or "", re.IGNORECASE):
                self.found.append(f"{tag} {name}={names[name]}"[:80])


def find_injected(html: str) -> list[str]:
    reader = Reader()
    reader.feed(html)
    return reader.found
