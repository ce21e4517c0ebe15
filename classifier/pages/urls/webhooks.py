from django.urls import path

from classifier.pages import webhooks

urlpatterns = [
    path("settings/webhooks/", webhooks.webhooks, name="webhooks"),
    path("settings/webhooks/<uuid:pk>/", webhooks.webhook_detail, name="webhook-detail"),
    path("settings/webhooks/<uuid:pk>/test/", webhooks.webhook_test, name="webhook-test"),
    path("settings/webhooks/<uuid:pk>/secret/", webhooks.webhook_rotate, name="webhook-rotate"),
    path("settings/webhooks/<uuid:pk>/active/", webhooks.webhook_active, name="webhook-active"),
    path("settings/webhooks/<uuid:pk>/remove/", webhooks.webhook_remove, name="webhook-remove"),
    path(
        "settings/webhooks/deliveries/<uuid:pk>/again/",
        webhooks.webhook_redeliver,
        name="webhook-redeliver",
    ),
]
