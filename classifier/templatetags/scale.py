"""Template tags of the probability scale; its words and geometry are in `classifier.labels.probability`."""

from django import template

from classifier.labels.probability import draw_scale, policy_limits

register = template.Library()

register.filter("policy_limits", policy_limits)
register.inclusion_tag("components/probability_scale.html", name="probability_scale")(draw_scale)
