"""Form that hands the cases of one person over to another."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django import forms

if TYPE_CHECKING:
    from collections.abc import Sequence

    from portal.trust.accounts.models import Membership, User

NOBODY = "nobody"
CHOOSE = "Say who takes over, or that nobody does yet."


class HandOverForm(forms.Form):
    """Who takes over what is open; asked only for what there is."""

    responsible = forms.ChoiceField(label="Cases go to", error_messages={"required": CHOOSE})
    reader = forms.ChoiceField(label="Readings go to", error_messages={"required": CHOOSE})
    close_log_in = forms.BooleanField(
        required=False,
        label="Close the log-in too",
        help_text="They can't log in at all until you give access again. Without this they may still be "
        "invited by other clinics and log in there.",
    )

    def __init__(
        self,
        *args: Any,
        clinicians: Sequence[Membership] | None,
        readers: Sequence[Membership] | None,
        may_close: bool,
        **kwargs: Any,
    ) -> None:
        """`None` instead of colleagues: nothing of that kind is open."""
        super().__init__(*args, **kwargs)
        self.people = {str(m.user_id): m.user for m in [*(clinicians or []), *(readers or [])]}
        for name, colleagues in (("responsible", clinicians), ("reader", readers)):
            if colleagues is None:
                del self.fields[name]
                continue
            named = [(str(m.user_id), f"{m.user}, {m.get_role_display().lower()}") for m in colleagues]
            nobody = (NOBODY, "Nobody yet: they stay with the clinic")
            self.fields[name].choices = [("", "Choose"), *named, nobody]  # type: ignore[attr-defined]  # a choice: the stubs know no field's kind
        if not may_close:
            del self.fields["close_log_in"]

    def colleague(self, name: str) -> User | None:
        """Who was chosen; None for nobody and where nothing is open."""
        return self.people.get(self.cleaned_data.get(name, ""))
