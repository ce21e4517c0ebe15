"""Form of a new case: images, question, whose lesion."""

from __future__ import annotations

import uuid
from dataclasses import replace
from typing import ClassVar

from django import forms

from classifier.domain.vocabulary import CaptureKind, DermoscopicType, Priority
from classifier.intake.uploads import SentImage, pair_images
from classifier.models import Submission
from classifier.models.submission import QUESTION_TEXTS
from classifier.pages.forms.fields import ManyFilesField, ManyFilesInput, length_limit

NEW = "new"
LOST_KEY = "This page lost the key that keeps a case from being sent twice. Reload the page."
KINDS_ADVICE = "Reload the page, look at each kind and send it again."
ACCEPT = "image/jpeg,image/png,image/webp,image/tiff,image/heic,image/heif,application/dicom,.dcm"


class SubmissionForm(forms.Form):
    """Images and question of a new submission, and whose they are.

    With script `capture_kinds` and `dermoscopic_types` come once for each file, in the order of the files;
    without it `capture_kind` is that of all. `patient` and `lesion` hold an id or "new"; the page resolves them to rows the person may see.
    """

    request_key = forms.UUIDField(
        widget=forms.HiddenInput,
        initial=uuid.uuid4,
        error_messages=dict.fromkeys(("required", "invalid"), LOST_KEY),
    )
    patient = forms.CharField(required=False)
    lesion = forms.CharField(required=False)
    images = ManyFilesField(required=False, label="Images", widget=ManyFilesInput(attrs={"accept": ACCEPT}))
    capture_kind = forms.ChoiceField(
        choices=CaptureKind.choices,
        initial=CaptureKind.DERMOSCOPIC,
        label="All these images are",
    )
    dermoscopic_type_choices: ClassVar = [("", "Type not given"), *DermoscopicType.choices]
    clinical_question = forms.CharField(
        required=False,
        label=QUESTION_TEXTS["clinical_question"].label,
        validators=length_limit(Submission, "clinical_question"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Naevus or melanoma? Excise?"}),
    )
    clinical_history = forms.CharField(
        required=False,
        label=QUESTION_TEXTS["clinical_history"].label,
        validators=length_limit(Submission, "clinical_history"),
        widget=forms.Textarea(
            attrs={"rows": 4, "placeholder": "Since when, what changed, earlier skin cancer"}
        ),
    )
    priority = forms.ChoiceField(
        choices=Priority.choices,
        initial=Priority.ROUTINE,
        label="Priority",
        widget=forms.RadioSelect,
        help_text="Urgent cases go first in the queue and in the dermatologist's list.",
    )

    def list_texts(self) -> list[forms.BoundField]:
        return [self[name] for name in QUESTION_TEXTS]

    def read_images(self) -> list[SentImage]:
        """The files with their kinds, in their order. Raises InvalidInputError (kinds_mismatch)."""
        images = pair_images(
            self.files.getlist("images"),
            self._list_sent("capture_kinds"),
            self._list_sent("dermoscopic_types"),
            default=self["capture_kind"].value(),
            advice=KINDS_ADVICE,
        )
        # Where the kind was changed, the type of before still stands in its field.
        return [
            image if image.capture_kind == CaptureKind.DERMOSCOPIC else replace(image, dermoscopic_type="")
            for image in images
        ]

    def _list_sent(self, name: str) -> list[str] | None:
        read = getattr(self.data, "getlist", None)
        return (list(read(name)) if read else []) or None
