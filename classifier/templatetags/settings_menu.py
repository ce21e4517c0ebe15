"""The menu of the settings, beside each of their pages."""

from __future__ import annotations

from typing import Any

from django import template
from django.template import Context

from classifier.pages.settings import list_groups
from portal.trust.accounts.second_factor.codes import has_factor

register = template.Library()


@register.inclusion_tag("components/settings_menu.html", takes_context=True)
def settings_menu(context: Context) -> dict[str, Any]:
    """Give the groups of pages, and `path` to mark the present one.

    Who must set up a second factor first is sent back to it by every link, so gets none.
    """
    request = context["request"]
    must_enrol = context["needs_factor"] and not has_factor(request.user)
    flat: Any = context.flatten()
    return {"groups": [] if must_enrol else list_groups(flat), "request": request}
