"""What the API is. It says nothing of any patient, so nobody needs to log in for it."""

from __future__ import annotations

from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView


class Schema(SpectacularAPIView):
    pass


@method_decorator(never_cache, name="dispatch")
# Swagger UI draws its arrows from data: addresses in its stylesheet.
@method_decorator(csp_update({"img-src": ["data:"]}), name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    url_name = "api-schema"
    template_name = "classifier/api/docs.html"
