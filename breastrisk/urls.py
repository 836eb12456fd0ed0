"""Every address of the product."""

from allauth.account.decorators import secure_admin_login
from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from breastrisk import health, policy_reports, token_endpoint

admin.autodiscover()
admin.site.login = secure_admin_login(admin.site.login)  # type: ignore[method-assign]

handler400 = "breastrisk.outage.bad_request"
handler404 = "breastrisk.outage.not_found"
handler500 = "breastrisk.outage.server_error"

urlpatterns = [
    path("", include("predictions.urls")),
    path("", include("accounts.urls")),
    path("admin/", admin.site.urls),
    path("language/", set_language, name="set_language"),
    path("policy-reports/", policy_reports.take_report, name="policy_reports"),
    # Browsers ask for it where a page names no icon, as beside JSON.
    path("favicon.ico", RedirectView.as_view(url=static("favicon.ico")), name="favicon"),
    path("oauth/token", token_endpoint.hand_out, name="oauth_token"),
    path(".well-known/oauth-authorization-server", token_endpoint.describe, name="oauth_metadata"),
    path(".well-known/smart-configuration", token_endpoint.describe_smart, name="smart_configuration"),
    path("api/v1/health", health.ready, name="health"),
    path("api/v1/health/live", health.live, name="health_live"),
    path("api/v1/health/ready", health.ready, name="health_ready"),
    path("api/v1/", include("predictions.api.urls")),
]
