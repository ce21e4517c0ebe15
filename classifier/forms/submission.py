from __future__ import annotations

import uuid

from django import forms

from classifier.forms.fields import ManyFilesField, ManyFilesInput, length_limit
from classifier.models import Submission
from classifier.vocabulary import CaptureKind, Priority

NEW = "new"
LOST_KEY = "This page lost the key that keeps a case from being sent twice. Reload the page."
ACCEPT = "image/jpeg,image/png,image/webp,image/tiff,image/heic,image/heif,application/dicom,.dcm"


class SubmissionForm(forms.Form):
    """Images and question of a new submission, and whose they are.

    `patient` and `lesion` hold an id or "new"; the page resolves them to rows the person may see.
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
        label="These images are",
        help_text="The model learned from dermoscopic images. Its figures for others are less reliable.",
    )
    clinical_question = forms.CharField(
        required=False,
        label="Question",
        validators=length_limit(Submission, "clinical_question"),
        widget=forms.TextInput(attrs={"autocomplete": "off", "placeholder": "Naevus or melanoma? Excise?"}),
    )
    clinical_history = forms.CharField(
        required=False,
        label="History",
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
