from django.urls import path

from classifier.pages import webhooks
from classifier.pages import webhooks as webhook_acts
from classifier.pages import webhooks as webhook_detail

urlpatterns = [
    path("settings/webhooks/", webhooks.webhooks, name="webhooks"),
    path("settings/webhooks/<uuid:pk>/", webhook_detail.webhook_detail, name="webhook-detail"),
    path("settings/webhooks/<uuid:pk>/test/", webhook_acts.webhook_test, name="webhook-test"),
    path("settings/webhooks/<uuid:pk>/secret/", webhook_acts.webhook_rotate, name="webhook-rotate"),
    path("settings/webhooks/<uuid:pk>/active/", webhook_acts.webhook_active, name="webhook-active"),
    path("settings/webhooks/<uuid:pk>/remove/", webhook_acts.webhook_remove, name="webhook-remove"),
    path(
        "settings/webhooks/deliveries/<uuid:pk>/again/",
        webhook_acts.webhook_redeliver,
        name="webhook-redeliver",
    ),
]
