"""The pages of an account. Of the library's only these are served: nobody signs up, or changes an address."""

from allauth.account import views as library
from allauth.mfa.base import views as factors
from allauth.mfa.recovery_codes import views as codes
from allauth.mfa.totp import views as app
from allauth.mfa.webauthn import views as passkeys
from django.conf import settings
from django.urls import path, re_path

from accounts import key_pages, network_pages, organisation_pages, provider_pages, views
from accounts.admission import fresh_sign_in_required

urlpatterns = [
    path("accounts/once/<str:token>/", views.sign_in_once, name="sign_in_once"),
    path("accounts/login/", provider_pages.SignInPage.as_view(), name="account_login"),
    path("accounts/provider/", provider_pages.sign_in_by_provider, name="sign_in_by_provider"),
    path("accounts/provider/again/", provider_pages.prove_by_provider, name="prove_by_provider"),
    path("accounts/provider/answer/", provider_pages.take_answer, name="provider_answer"),
    path("accounts/logout/", library.logout, name="account_logout"),
    path("organisation/", organisation_pages.show_organisation, name="organisation"),
    path("organisation/act-for/", organisation_pages.act_for, name="act_for"),
    path("organisation/people/", organisation_pages.keep_people, name="people"),
    path("organisation/people/<uuid:person_id>/", organisation_pages.keep_person, name="person"),
    path(
        "organisation/people/<uuid:person_id>/second-factor/",
        organisation_pages.reset_factor,
        name="reset_second_factor",
    ),
    path(
        "organisation/invitations/<uuid:invitation_id>/withdraw/",
        organisation_pages.withdraw_invitation,
        name="withdraw_invitation",
    ),
    path("organisation/networks/", network_pages.keep_networks, name="networks"),
    path("keys/", key_pages.list_keys, name="keys"),
    path("keys/new/", key_pages.new_key, name="new_key"),
    path("keys/clients/new/", key_pages.new_client, name="new_client"),
    path("keys/<uuid:api_key_id>/replace/", key_pages.replace_key, name="replace_key"),
    path("keys/<uuid:api_key_id>/revoke/", key_pages.end_key, name="revoke_key"),
    path("invitations/<str:token>/", organisation_pages.accept_invitation, name="accept_invitation"),
    path("receipts/", views.ask_for_receipt, name="receipts"),
    path("receipts/<uuid:event_id>/<str:leaf>/", views.check_receipt, name="receipt"),
    path("accounts/password/change/", views.change_password, name="account_change_password"),
    path("accounts/reauthenticate/", library.reauthenticate, name="account_reauthenticate"),
    path("accounts/sessions/", fresh_sign_in_required(views.list_sessions), name="sessions"),
    path("accounts/2fa/", factors.index, name="mfa_index"),
    path("accounts/2fa/authenticate/", factors.authenticate, name="mfa_authenticate"),
    path("accounts/2fa/reauthenticate/", factors.reauthenticate, name="mfa_reauthenticate"),
    path("accounts/2fa/app/", app.activate_totp, name="mfa_activate_totp"),
    path("accounts/2fa/app/remove/", app.deactivate_totp, name="mfa_deactivate_totp"),
    path("accounts/2fa/codes/", codes.view_recovery_codes, name="mfa_view_recovery_codes"),
    path("accounts/2fa/codes/new/", codes.generate_recovery_codes, name="mfa_generate_recovery_codes"),
    path("accounts/2fa/passkeys/", passkeys.list_webauthn, name="mfa_list_webauthn"),
    path("accounts/2fa/passkeys/new/", passkeys.add_webauthn, name="mfa_add_webauthn"),
    path("accounts/2fa/passkeys/<int:pk>/remove/", passkeys.remove_webauthn, name="mfa_remove_webauthn"),
    path("accounts/2fa/passkeys/login/", passkeys.login_webauthn, name="mfa_login_webauthn"),
    path(
        "accounts/2fa/passkeys/reauthenticate/",
        passkeys.reauthenticate_webauthn,
        name="mfa_reauthenticate_webauthn",
    ),
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
