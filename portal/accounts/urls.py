from django.urls import include, path

from portal.accounts import views

urlpatterns = [
    path("", include("portal.accounts.oauth.urls")),
    path("clinic/", views.clinic_switch, name="clinic-switch"),
    path("theme/", views.theme, name="theme"),
]
