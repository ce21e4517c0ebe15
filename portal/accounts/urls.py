from django.urls import path

from portal.accounts import invitation_views, views

urlpatterns = [
    path("clinic/", views.clinic_switch, name="clinic-switch"),
    path("theme/", views.theme, name="theme"),
    path("invitation/", invitation_views.invitation_open, name="invitation-open"),
    path("invitation/accept/", invitation_views.invitation_accept, name="invitation-accept"),
]
