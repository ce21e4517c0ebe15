"""What the API is. It says nothing of any patient, so nobody needs to log in for it."""

from __future__ import annotations

from csp.constants import NONCE
from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from classifier.api.field_codes import FIELD_CODES
from classifier.api.problems import PROBLEMS


class Schema(SpectacularAPIView):
    pass


@method_decorator(never_cache, name="dispatch")
# Swagger UI draws its arrows from data: addresses in its stylesheet.
@method_decorator(csp_update({"img-src": ["data:"]}), name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    url_name = "api-schema"
    template_name = "classifier/api/docs.html"


@method_decorator(never_cache, name="dispatch")
class Errors(TemplateView):
    template_name = "classifier/api/errors.html"
    extra_context = {"problems": PROBLEMS.values(), "field_codes": FIELD_CODES}


@method_decorator(never_cache, name="dispatch")
# Redoc makes its style elements itself: each carries the nonce of its page, and no other may.
@method_decorator(csp_update({"style-src": [NONCE], "img-src": ["data:"]}), name="dispatch")
class Reference(TemplateView):
    template_name = "classifier/api/reference.html"
