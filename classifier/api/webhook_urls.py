from django.urls import path

from classifier.api.views import webhooks
from classifier.api.views import webhooks as webhook_deliveries

urlpatterns = [
    path("webhooks/", webhooks.WebhookList.as_view(), name="api-webhooks"),
    path("webhooks/<uuid:pk>/", webhooks.WebhookDetail.as_view(), name="api-webhook"),
    path("webhooks/<uuid:pk>/secret/", webhooks.WebhookSecret.as_view(), name="api-webhook-secret"),
    path("webhooks/<uuid:pk>/test/", webhook_deliveries.WebhookTest.as_view(), name="api-webhook-test"),
    path(
        "webhooks/<uuid:pk>/deliveries/",
        webhook_deliveries.WebhookDeliveryList.as_view(),
        name="api-webhook-deliveries",
    ),
    path(
        "webhook-deliveries/<uuid:pk>/redeliver/",
        webhook_deliveries.WebhookRedeliver.as_view(),
        name="api-webhook-redeliver",
    ),
]
