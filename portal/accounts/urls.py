from django.urls import path

from portal.accounts import views

urlpatterns = [
    path("clinic/", views.clinic_switch, name="clinic-switch"),
    path("theme/", views.theme, name="theme"),
]
