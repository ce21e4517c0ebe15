"""Addresses of the pages. Ids in them are opaque."""

from classifier.urls import cases, history

urlpatterns = [*cases.urlpatterns, *history.urlpatterns]
