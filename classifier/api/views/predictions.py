from __future__ import annotations

from operator import attrgetter
from typing import TYPE_CHECKING, Any

from drf_spectacular.utils import extend_schema
from rest_framework.generics import GenericAPIView

from classifier.api.filters.results import PredictionFilter
from classifier.api.queries import select_predictions
from classifier.api.serializers.predictions import PredictionDetailSerializer
from classifier.api.views.details import RecordedDetail
from classifier.api.views.lists import RecordedList
from classifier.drf.views import NoStoreView
from classifier.models import Prediction
from portal.accounts.scopes import scopes_for

if TYPE_CHECKING:
    from rest_framework.request import Request
    from rest_framework.response import Response

    from classifier.models.prediction import PredictionQuerySet


class _Predictions(NoStoreView, GenericAPIView):  # type: ignore[type-arg]  # generic in the stubs alone
    scopes = scopes_for("predictions")
    serializer_class = PredictionDetailSerializer
    queryset = Prediction.objects.none()
    clinic_of = attrgetter("image.clinic_id")

    def get_queryset(self) -> PredictionQuerySet:
        return select_predictions(self.request.user)


class PredictionList(_Predictions, RecordedList):
    filterset_class = PredictionFilter
    ordering_fields = ["queued_at"]
    ordering = ["-queued_at"]
    listed = "predictions"

    @extend_schema(operation_id="predictions_list", summary="List the model's answers, newest first")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)


class PredictionDetail(_Predictions, RecordedDetail):
    @extend_schema(operation_id="predictions_read", summary="Read one answer of the model")
    def get(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().get(request, *args, **kwargs)
