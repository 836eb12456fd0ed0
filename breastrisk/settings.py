"""Settings. One module for every place it runs in: what differs comes from the environment.

Without DATABASE_URL or REDIS_URL the embedded Postgres or Valkey of this checkout is used, and secrets that
are not given are made once and kept in the state directory. With PRODUCTION=1 nothing is made up: whatever
is missing is named, and nothing starts.
"""

from pathlib import Path
from typing import Any

import dj_database_url

from breastrisk import case_keys, environment, ledger_keys, model_keys
from breastrisk.embedded import postgres, valkey
from breastrisk.embedded.state import StateDirectory

BASE_DIR = Path(__file__).resolve().parent.parent
APPLICATION_VERSION = "0.1.0"
PRODUCTION = environment.read_flag("PRODUCTION")
DEBUG = False

_state = StateDirectory.default()


def _secret(name: str) -> str:
    """From the environment; outside production from the state directory, where the first call makes it."""
    if PRODUCTION:
        return environment.read(name)
    return environment.read(name, "") or _state.secret(name.lower())


SECRET_KEY = _secret("SECRET_KEY")
# Keys the digests that stand for case references in the audit trail. It is never changed.
LEDGER_KEY = _secret("LEDGER_KEY")
# Sign the checkpoints of the audit trail, which the public keys verify, also former ones.
_ledger_keys = ledger_keys.read(_state)
LEDGER_SIGNING_KEY, LEDGER_PUBLIC_KEYS = _ledger_keys.signing, _ledger_keys.public
# Each wraps keys of cases; the first wraps new ones.
CASE_KEYS = case_keys.read(_state)
# Where checkpoints of the ledger are kept outside the database: docs/anchors.md.
LEDGER_ANCHORS = environment.read_list("LEDGER_ANCHORS")
# How long backups keep the keys of erased cases: for the pages that say so. The operator alone knows.
_stated = environment.read("BACKUP_RETENTION_DAYS", "")
BACKUP_RETENTION_DAYS = environment.read_count("BACKUP_RETENTION_DAYS", 0) if _stated else None
MODEL_KEYS_ENVIRONMENT = model_keys.read(_state)
MODEL_STORE = environment.read("MODEL_STORE", str(BASE_DIR / "ml_models" / "releases"))
# Where MODEL_STORE is in a cloud, its SDK finds credentials and address by itself, except for these.
AZURE_CONNECTION_STRING = environment.read("AZURE_STORAGE_CONNECTION_STRING", "")
_s3_encryption = environment.read("MODEL_STORE_S3_ENCRYPTION", "AES256")
AWS_S3_OBJECT_PARAMETERS = {"ServerSideEncryption": _s3_encryption} if _s3_encryption else {}

ALLOWED_HOSTS = environment.read_list("ALLOWED_HOSTS", "" if PRODUCTION else "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = environment.read_list("CSRF_TRUSTED_ORIGINS")

INSTALLED_APPS = [
    "breastrisk",
    "predictions",
    "accounts",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.usersessions",
    "axes",
    "oauth2_provider",
    "django_htmx",
    "rest_framework",
    "accounts.apps.AdminSiteConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
]

MIDDLEWARE = [
    "breastrisk.headers.SecurityHeaders",
    "breastrisk.request_numbers.NumberRequests",
    "django.middleware.security.SecurityMiddleware",
    "breastrisk.transport.RefusePlainHttp",
    "breastrisk.outage.AnswerOutages",
    "breastrisk.transport.RefuseUnreadable",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "accounts.row_scope.ScopeRows",
    "breastrisk.languages.SpeakLanguage",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "axes.middleware.AxesMiddleware",
    "breastrisk.doorkeeper.KeepDoors",
    "accounts.admission.Admission",
]

ROOT_URLCONF = "breastrisk.urls"
WSGI_APPLICATION = "breastrisk.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

DATABASE_URL = environment.read("DATABASE_URL", None if PRODUCTION else "")


def _database(url: str, role: str) -> dict[str, Any]:
    parsed = dj_database_url.parse(url, conn_max_age=600, conn_health_checks=True)
    # What the address itself says goes before, above all sslmode.
    options = {"connect_timeout": 3, "application_name": f"breastrisk {role}", **parsed.get("OPTIONS", {})}
    return {**parsed, "OPTIONS": options}


def _url_of(role: str) -> str:
    return (
        environment.read(f"DATABASE_{role.upper()}_URL", "") if DATABASE_URL else postgres.url(_state, role)
    )


# `default` is the application's role. What has no role of its own is done in that one:
# `accounts.database_roles` says which it is, and what is not protected then.
DATABASES = {"default": _database(DATABASE_URL or _url_of("app"), "app")} | {
    role: _database(_url_of(role), role) for role in ("owner", "sealer", "auditor", "eraser") if _url_of(role)
}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_given_redis = environment.read("REDIS_URL", None if PRODUCTION else "")
REDIS_URL = _given_redis or valkey.url(_state)
CELERY_BROKER_URL = _given_redis or valkey.broker_url(_state)
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_TIME_LIMIT = 300
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Over twice the longest task, so that a task that still runs is never handed out again.
    "visibility_timeout": 900,
    "unacked_restore_interval": 10,
    "unacked_restore_throttle": 1,
}
CELERY_BEAT_SCHEDULE = {
    # Each expires before the next two are due: after an outage there is no pile of them to work off.
    "second reading": {
        "task": "predictions.confirm_predictions",
        "schedule": 2.0,
        "options": {"expires": 5},
    },
    "cohorts": {"task": "predictions.read_cohorts", "schedule": 2.0, "options": {"expires": 5}},
    "sealing": {"task": "accounts.seal_events", "schedule": 2.0, "options": {"expires": 5}},
    "anchoring": {"task": "accounts.anchor_checkpoint", "schedule": 60.0, "options": {"expires": 120}},
    "event counts": {"task": "accounts.count_events", "schedule": 60.0, "options": {"expires": 110}},
    "verification": {"task": "accounts.verify_audit", "schedule": 3.0, "options": {"expires": 5}},
    "last uses": {"task": "accounts.note_last_uses", "schedule": 60.0, "options": {"expires": 50}},
    "ended tokens": {"task": "accounts.forget_tokens", "schedule": 600.0, "options": {"expires": 500}},
    "answered requests": {
        "task": "predictions.forget_answered_requests",
        "schedule": 600.0,
        "options": {"expires": 500},
    },
    "worker mark": {"task": "breastrisk.mark_worker", "schedule": 5.0, "options": {"expires": 10}},
}

AUTH_USER_MODEL = "accounts.Person"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    # Not allauth's as well: it also knows addresses that an account had once.
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
_DJANGOS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": name, "OPTIONS": options}
    for name, options in (
        (f"{_DJANGOS}.UserAttributeSimilarityValidator", {"user_attributes": ("email", "name")}),
        (f"{_DJANGOS}.MinimumLengthValidator", {"min_length": 12}),
        (f"{_DJANGOS}.CommonPasswordValidator", {}),
        ("accounts.password_words.KnownWordsValidator", {}),
    )
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "new_prediction"
ACCOUNT_ADAPTER = "accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "login": "accounts.forms.SignInForm",
    "reauthenticate": "accounts.forms.ProveByPasswordForm",
    "reset_password": "accounts.forms.AskForResetForm",
}
ACCOUNT_USER_MODEL_USERNAME_FIELD = None
ACCOUNT_LOGIN_METHODS = {"email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*", "password2*"]
# An administrator enters the addresses of people who were invited in person.
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False
ACCOUNT_LOGOUT_ON_PASSWORD_CHANGE = True
# allauth would lock an account for everybody; axes locks it for the address that guesses.
ACCOUNT_RATE_LIMITS = {"login_failed": None}
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_EMAIL_NOTIFICATIONS = True
MFA_ADAPTER = "accounts.second_factors.SecondFactorAdapter"
MFA_FORMS = {
    "authenticate": "accounts.forms.CodeForm",
    "reauthenticate": "accounts.forms.ProveByCodeForm",
    "activate_totp": "accounts.forms.ActivateAppForm",
    "add_webauthn": "accounts.forms.AddPasskeyForm",
    "authenticate_webauthn": "accounts.forms.PasskeyForm",
    "login_webauthn": "accounts.forms.SignInByPasskeyForm",
    "reauthenticate_webauthn": "accounts.forms.ProveByPasskeyForm",
}
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_RECOVERY_CODES_SHOW_ONCE = True
# Telephones are a little late, and people type slowly: the code before and the one after fit too.
MFA_TOTP_TOLERANCE = 1
# Browsers make passkeys on http://localhost as well as over TLS.
MFA_WEBAUTHN_ALLOW_INSECURE_ORIGIN = not PRODUCTION
# Addresses are verified by invitations, which the library knows nothing of.
MFA_ALLOW_UNVERIFIED_EMAIL = True
# An OpenID Connect provider that may say who people are; without an issuer there is none.
OIDC_ISSUER = environment.read("OIDC_ISSUER", "")
OIDC_CLIENT_ID = environment.read("OIDC_CLIENT_ID") if OIDC_ISSUER else ""
OIDC_CLIENT_SECRET = environment.read("OIDC_CLIENT_SECRET") if OIDC_ISSUER else ""
OIDC_NAME = environment.read("OIDC_NAME", "") or OIDC_ISSUER
# Whom it may sign in: whose addresses end so. Never the superuser.
OIDC_EMAIL_DOMAINS = [domain.lower() for domain in environment.read_list("OIDC_EMAIL_DOMAINS")]
# What it puts into `acr` when there was a second factor; `mfa` in `amr` counts anyway.
OIDC_SECOND_FACTOR_ACR = environment.read_list("OIDC_SECOND_FACTOR_ACR")
# Whoever reads the terminal of a trial has the whole machine. In production a link is a first factor only.
LINKS_ARE_SECOND_FACTORS = not PRODUCTION
AXES_FAILURE_LIMIT = 5
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "accounts.lockout.name_of_credentials"
AXES_LOCKOUT_CALLABLE = "accounts.lockout.answer_locked_out"
AXES_COOLOFF_TIME = 0.25
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
AXES_CLIENT_IP_CALLABLE = "accounts.network.client_address"
# How many proxies stand in front: so many entries of X-Forwarded-For, from the right, are believed.
TRUSTED_PROXIES = environment.read_count("TRUSTED_PROXIES", 0)
# From where the admin may be opened (CIDR); without any from everywhere.
ADMIN_NETWORKS = environment.read_networks("ADMIN_NETWORKS")

# Without a mail server, mails are files outside production, and in production nobody can ask for one.
EMAIL_HOST = environment.read("EMAIL_HOST", "")
PASSWORD_RESET_OFFERED = bool(EMAIL_HOST) or not PRODUCTION
if EMAIL_HOST:
    EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    _mail_security = environment.read_choice("EMAIL_SECURITY", ("starttls", "tls", "none"))
    EMAIL_USE_TLS, EMAIL_USE_SSL = _mail_security == "starttls", _mail_security == "tls"
    EMAIL_PORT = environment.read_count("EMAIL_PORT", 465 if EMAIL_USE_SSL else 587)
    EMAIL_HOST_USER = environment.read("EMAIL_HOST_USER", "")
    EMAIL_HOST_PASSWORD = environment.read("EMAIL_HOST_PASSWORD", "")
    EMAIL_TIMEOUT = 10
    DEFAULT_FROM_EMAIL = environment.read("DEFAULT_FROM_EMAIL")
elif not PRODUCTION:
    EMAIL_BACKEND = "django.core.mail.backends.filebased.EmailBackend"
    EMAIL_FILE_PATH = str(_state.mail)
    DEFAULT_FROM_EMAIL = "breastrisk@localhost"
else:
    EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"

# English is what the sources say; the others are in locale/. docs/decisions/0020-languages.md.
LANGUAGE_CODE = "en-gb"
LANGUAGES = [("en-gb", "English"), ("es", "Español"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
LANGUAGE_COOKIE_AGE = 365 * 24 * 60 * 60
LANGUAGE_COOKIE_HTTPONLY = True
LANGUAGE_COOKIE_SAMESITE = "Lax"
TIME_ZONE = "UTC"
USE_TZ = True
FORMAT_MODULE_PATH = None

STATIC_URL = "static/"
STATICFILES_DIRS = [BASE_DIR / "static"]
# Files are served from where they stand: there is no collecting step that could be forgotten.
WHITENOISE_USE_FINDERS = True
WHITENOISE_ALLOW_ALL_ORIGINS = False

# Systems trade a secret or a signature for a token of an hour; the library's other grants are not served.
OAUTH2_PROVIDER_APPLICATION_MODEL = "accounts.OAuthClient"
OAUTH2_PROVIDER = {
    "OAUTH2_SERVER_CLASS": "oauthlib.oauth2.BackendApplicationServer",
    "OAUTH2_VALIDATOR_CLASS": "accounts.token_validator.TokenValidator",
    "APPLICATION_ADMIN_CLASS": "accounts.admin.OAuthClientAdmin",
    "ACCESS_TOKEN_EXPIRE_SECONDS": 3_600,
    "SCOPES": {"predict": "Send panels", "read": "Read results", "profile": "Send reference samples"},
    # Of RFC 9700: tokens are kept as digests, and nothing that it deprecates is taken.
    "COMPLIANT_BCP_RFC9700_IMPLICIT_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PASSWORD_GRANT": True,
    "COMPLIANT_BCP_RFC9700_PKCE_METHOD": True,
    "COMPLIANT_BCP_RFC9700_ACCESS_TOKEN_TRANSPORT": True,
    "COMPLIANT_BCP_RFC9700_AUTHZ_RESPONSE_ISS": True,
    "COMPLIANT_BCP_RFC9700_TOKEN_STORAGE": True,
    "COMPLIANT_BCP_RFC9700_REFRESH_TOKEN": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_SCHEME": True,
    "COMPLIANT_BCP_RFC9700_REDIRECT_URI_MATCHING": True,
    "COMPLIANT_BCP_RFC9700_PKCE_REQUIRED": True,
    "ALLOWED_REDIRECT_URI_SCHEMES": ["https"],
    "REFRESH_TOKEN_REUSE_PROTECTION": True,
}

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": [],
    "DEFAULT_PARSER_CLASSES": [],
    "EXCEPTION_HANDLER": "predictions.api.views.answer_exception",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
}

# Codes that were used, and limits of signing in: seldom asked for, and shared by all processes.
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "accounts_cache",
        "OPTIONS": {"MAX_ENTRIES": 100_000},
    }
}

SESSION_COOKIE_AGE = 12 * 60 * 60
SESSION_IDLE_SECONDS = environment.read_count("SESSION_IDLE_MINUTES", 30) * 60
SESSION_EXPIRE_AT_BROWSER_CLOSE = True
SESSION_COOKIE_HTTPONLY = True
# Not in a cookie of their own: its name could not begin with __Host-.
MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
# `make run TLS=1` serves HTTPS itself; in production a proxy does, and says so.
TLS = environment.read_flag("TLS")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = LANGUAGE_COOKIE_SECURE = PRODUCTION or TLS
SECURE_SSL_REDIRECT = PRODUCTION
# Systems are refused instead: breastrisk.transport.
SECURE_REDIRECT_EXEMPT = [r"^api/", r"^oauth/", r"^\.well-known/"]
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = PRODUCTION
if PRODUCTION or TLS:
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "__Host-session", "__Host-csrf"
    LANGUAGE_COOKIE_NAME = "__Host-language"
# `breastrisk.headers` says it, also where Django's middleware would not.
SILENCED_SYSTEM_CHECKS = ["security.W002"]
if PRODUCTION:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
# A panel has some kilobytes; whatever is larger is a mistake or an attack.
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
FILE_UPLOAD_MAX_MEMORY_SIZE = 2_500_000
# A file of many samples is larger; it is sealed as it arrives, and never lies in the clear on a disk.
FILE_UPLOAD_HANDLERS = [
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "predictions.sealed_uploads.SealingUploadHandler",
]

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "breastrisk.logs.DiscreetFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": "WARNING"},
    # Each anchored root is also a line of the log, which goes elsewhere than the database.
    "loggers": {"accounts.anchoring": {"level": "INFO"}},
}
