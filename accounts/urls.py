"""The pages of an account. Of the library's only these are served: nobody signs up, or changes an address."""

from allauth.account import views as library
from django.conf import settings
from django.urls import path, re_path

from accounts import views

urlpatterns = [
    path("accounts/once/<str:token>/", views.sign_in_once, name="sign_in_once"),
    path("accounts/login/", library.login, name="account_login"),
    path("accounts/logout/", library.logout, name="account_logout"),
    path("receipts/", views.ask_for_receipt, name="receipts"),
    path("receipts/<uuid:event_id>/<str:leaf>/", views.check_receipt, name="receipt"),
    path("accounts/password/change/", views.change_password, name="account_change_password"),
]
if settings.PASSWORD_RESET_OFFERED:
    urlpatterns += [
        path("accounts/password/reset/", library.password_reset, name="account_reset_password"),
        path(
            "accounts/password/reset/done/", library.password_reset_done, name="account_reset_password_done"
        ),
        re_path(
            r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
            library.password_reset_from_key,
            name="account_reset_password_from_key",
        ),
        path(
            "accounts/password/reset/key/done/",
            library.password_reset_from_key_done,
            name="account_reset_password_from_key_done",
        ),
    ]
