from django.urls import include, path

from accounts import views

urlpatterns = [
    path("accounts/once/<str:token>/", views.sign_in_once, name="sign_in_once"),
    path("accounts/", include("allauth.account.urls")),
]
