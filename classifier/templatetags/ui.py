"""Template tags for any page: icons, chips of single values, moments, names. The words come from `classifier.labels`."""

import datetime as dt
from typing import Any

from django import template
from django.forms import BoundField
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from classifier.labels.looks import OUTCOMES, STATES, Look
from classifier.labels.probability import describe_worth, format_score, percent

register = template.Library()

register.filter("percent", percent)
register.filter("score", format_score)
register.filter("worth", describe_worth)

# Pages that one comes to from a place that their address does not begin with.
PLACES = {
    "submission-review": "worklist",
    "submission-amend": "worklist",
    "lesion-detail": "patient-list",
    "outcome-new": "patient-list",
    "outcome-correct": "patient-list",
}


BUTTON_LOOKS = {
    "button-danger": {"danger", "delete"},
    "button-quiet": {"link"},
    "button-secondary": {"outline", "secondary", "minor"},
}

NOTICE_ICONS = {"success": "check", "warning": "warning", "error": "outcome-failed"}


@register.simple_tag
def icon(name: str, extra_class: str = "") -> SafeString:
    """One icon of the sprite, hidden from screen readers: a word always stands beside it."""
    return format_html(
        '<svg class="icon{}" aria-hidden="true" focusable="false"><use href="{}#{}"></use></svg>',
        f" {extra_class}" if extra_class else "",
        static("portal/icons.svg"),
        name,
    )


@register.inclusion_tag("components/chip.html")
def outcome_chip(outcome: str | None, *, large: bool = False) -> dict[str, Any]:
    """Chip of an outcome; nothing yet (None or an empty text) is "waiting"."""
    look = OUTCOMES.get(str(outcome or "waiting"), OUTCOMES["waiting"])
    return {"look": look, "large": large, "word": look.word}


@register.inclusion_tag("components/chip.html")
def state_chip(state: str | None, label: str = "") -> dict[str, Any]:
    """Chip of a state (prediction or review); `label` replaces its word."""
    look = STATES.get(str(state), Look("plain", "clock", str(state or "Waiting").capitalize()))
    return {"look": look, "large": False, "word": label or look.word}


@register.simple_tag
def outcome_icon(outcome: str | None) -> SafeString:
    """The icon of an outcome alone, where its word already stands."""
    return icon(OUTCOMES.get(str(outcome or "waiting"), OUTCOMES["waiting"]).icon)


@register.filter
def without_placeholder(field: BoundField) -> BoundField:
    """The field without a placeholder: its label is always shown, so the hint only repeats it."""
    field.field.widget.attrs.pop("placeholder", None)
    return field


@register.filter
def button_look(tags: list[str] | None) -> str:
    """Class of a button of allauth's pages by the tags it carries; without one it is primary."""
    for look, words in BUTTON_LOOKS.items():
        if words & set(tags or ()):
            return look
    return "button-primary"


@register.filter
def notice_icon(level: str) -> str:
    """Icon of a message by its level tag."""
    return NOTICE_ICONS.get(level, "info")


@register.filter
def machine_moment(value: dt.date | None) -> str:
    """A moment or a day as the `datetime` of a <time> takes it.

    To the second: HTML reads at most three digits of one, and Python writes six.
    """
    if isinstance(value, dt.datetime):
        return timezone.localtime(value).isoformat(timespec="seconds")
    return value.isoformat() if value else ""


@register.simple_tag
def this_moment() -> dt.datetime:
    """Now, for what says when it was made."""
    return timezone.now()


@register.filter
def initials(person: object) -> str:
    """Two letters for the avatar, from the name if there is one, else the log-in."""
    words = person_name(person).replace("@", " ").replace(".", " ").split()
    return "".join(word[0] for word in words[:2]).upper() or "?"


@register.filter
def person_name(person: object) -> str:
    """Full name where it is filled in, otherwise what the user model prints."""
    full_name = getattr(person, "get_full_name", None)
    name = full_name() if callable(full_name) else ""
    return str(name or person)


@register.filter
def code_marks(text: str) -> SafeString:
    """Text in which `this` is code, as documentation for programs writes it, with marks for a page."""
    parts = text.split("`")
    return format_html_join(
        "", "{}", ((format_html("<code>{}</code>", part) if i % 2 else part,) for i, part in enumerate(parts))
    )


@register.filter
def is_place(request: HttpRequest | None, href: str) -> bool:
    """Whether the page belongs to this entry of the rail; the home page only to itself."""
    path = getattr(request, "path", "")
    match = getattr(request, "resolver_match", None)
    if match is not None and (place := PLACES.get(match.url_name or "")):
        path = reverse(place)
    return path == href if href == "/" else bool(href) and path.startswith(href)
