"""Every address: pages in `classifier.pages.urls`, the REST API in `classifier.api`, FHIR in `classifier.fhir`."""

from django.urls import include, path

from classifier.fhir.views.intake import Transaction

urlpatterns = [
    path("accounts/", include("portal.trust.accounts.allauth_urls")),
    path("", include("portal.trust.accounts.urls")),
    path("", include("portal.operations.health.urls")),
    path("api/v1/", include("classifier.api.urls")),
    # Clients post to the base address as it stands in the CapabilityStatement: without a slash.
    path("fhir/r4", Transaction.as_view(), name="fhir-base"),
    path("fhir/r4/", include("classifier.fhir.urls")),
    path("", include("classifier.pages.urls")),
]
