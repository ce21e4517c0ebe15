"""What the reading page sends along once every picture of a case was on the screen."""

from typing import Any

from classifier.models import Submission


def seen(case: Submission) -> dict[str, Any]:
    return {"seen": [str(image.pk) for image in case.images.all()]}
