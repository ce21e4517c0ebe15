"""What the API is. It says nothing of any patient, so nobody needs to log in for it."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from csp.decorators import csp_update
from django.utils.decorators import method_decorator
from django.views.decorators.cache import never_cache
from django.views.generic import TemplateView
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from classifier.api.field_codes import FIELD_CODES
from classifier.api.problems import PROBLEMS

if TYPE_CHECKING:
    from rest_framework.request import Request


@cache
def make_schema() -> dict[str, Any]:
    """Take a third of a second of a processor, and the same for everybody: once a process."""
    schema: dict[str, Any] = SchemaGenerator().get_schema(request=None, public=True)
    return schema


class OnceMade(SchemaGenerator):
    def get_schema(self, request: Request | None = None, public: bool = False) -> dict[str, Any]:  # noqa: ARG002, FBT001, FBT002 (its signature)
        return make_schema()


class Schema(SpectacularAPIView):
    generator_class = OnceMade
    # What the address asks for as ?version= would stand in the file's name.
    api_version = "v1"


@method_decorator(never_cache, name="dispatch")
# Swagger UI draws its arrows from data: addresses in its stylesheet.
@method_decorator(csp_update({"img-src": ["data:"]}), name="dispatch")
class Docs(SpectacularSwaggerSplitView):
    """API viewer: Swagger UI, to read every operation and to try it with a token of one's own.

    Redoc shows the same, can't try anything, and needs a weaker policy for its styles.
    """

    url_name = "api-schema"
    template_name = "classifier/api/docs.html"


@method_decorator(never_cache, name="dispatch")
class Errors(TemplateView):
    template_name = "classifier/api/errors.html"
    extra_context = {"problems": PROBLEMS.values(), "field_codes": FIELD_CODES}
