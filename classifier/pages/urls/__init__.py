"""Addresses of the pages. Ids in them are opaque."""

from classifier.pages.urls import cases, history, webhooks

urlpatterns = [*cases.urlpatterns, *history.urlpatterns, *webhooks.urlpatterns]
