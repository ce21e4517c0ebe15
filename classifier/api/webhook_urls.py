"""Addresses of webhooks and their deliveries."""

from django.urls import path

from classifier.api.views import webhooks

urlpatterns = [
    path("webhooks/", webhooks.WebhookList.as_view(), name="api-webhooks"),
    path("webhooks/<uuid:pk>/", webhooks.WebhookDetail.as_view(), name="api-webhook"),
    path("webhooks/<uuid:pk>/secret/", webhooks.WebhookSecret.as_view(), name="api-webhook-secret"),
    path("webhooks/<uuid:pk>/test/", webhooks.WebhookTest.as_view(), name="api-webhook-test"),
    path(
        "webhooks/<uuid:pk>/deliveries/",
        webhooks.WebhookDeliveryList.as_view(),
        name="api-webhook-deliveries",
    ),
    path(
        "webhook-deliveries/<uuid:pk>/redeliver/",
        webhooks.WebhookRedeliver.as_view(),
        name="api-webhook-redeliver",
    ),
]
