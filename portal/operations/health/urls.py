"""Addresses of health and status."""

from django.urls import path

from portal.operations.health import views

urlpatterns = [
    path("health/live", views.show_live, name="health-live"),
    path("health/ready", views.show_ready, name="health-ready"),
    path("status/", views.show_status, name="status"),
]
