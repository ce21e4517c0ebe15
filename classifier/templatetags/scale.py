"""Template tags of what the model says in figures: the probability scale, and what the lesion could be.

Words and geometry are in `classifier.labels.probability` and `classifier.labels.diagnoses`.
"""

from typing import Any

from django import template

from classifier.labels.diagnoses import list_shown
from classifier.labels.probability import draw_scale, policy_limits
from classifier.models import Prediction

register = template.Library()

register.filter("policy_limits", policy_limits)
register.inclusion_tag("components/probability_scale.html", name="probability_scale")(draw_scale)


@register.inclusion_tag("components/could_be.html")
def could_be(
    prediction: Prediction | None, *, is_small: bool = False, is_plain: bool = False
) -> dict[str, Any]:
    """The diagnoses under an answer: of a summary's prediction, which is None where the answer is withheld."""
    return {"shown": list_shown(prediction), "is_small": is_small, "is_plain": is_plain}
