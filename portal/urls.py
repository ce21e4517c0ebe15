"""Every address: pages in `classifier.urls`, the REST API in `classifier.api`, FHIR in `classifier.fhir`."""

from django.urls import include, path

urlpatterns = [
    path("accounts/", include("portal.accounts.allauth_urls")),
    path("", include("portal.accounts.urls")),
    path("", include("portal.health.urls")),
    path("api/v1/", include("classifier.api.urls")),
    path("fhir/r4/", include("classifier.fhir.urls")),
    path("", include("classifier.urls")),
]
