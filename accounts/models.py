"""Organisations own everything; people belong to them with roles; systems hold API keys."""

import json
from contextlib import suppress
from datetime import datetime
from typing import Any, ClassVar

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models.functions import Lower
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from uuid_utils.compat import uuid7

from accounts import limit_records, network_records, oauth_records  # noqa: F401 - their tables are of this app
from accounts.addresses import normal_address, validate_ascii
from accounts.moments import time_of


class Organisation(models.Model):
    """A clinic, a laboratory or a hospital: the owner of every prediction its people ask for."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(_("short name"), unique=True, max_length=60)
    name = models.CharField(_("name"), max_length=200)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["name"]
        verbose_name = _("organisation")
        verbose_name_plural = _("organisations")

    def __str__(self) -> str:
        return self.name


class PersonManager(BaseUserManager["Person"]):
    """Makes people, who sign in with their e-mail address."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Person":
        person = self.model(email=normal_address(email), **fields)
        person.set_password(password)
        person.save(using=self._db)
        return person

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Person":
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def get_by_natural_key(self, username: str | None) -> "Person":
        try:
            return self.get(email=normal_address(username or ""))
        except ValidationError:
            raise self.model.DoesNotExist from None


class Person(AbstractBaseUser, PermissionsMixin):
    """Somebody who signs in. What they may do follows from their memberships."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    email = models.EmailField(_("e-mail address"), unique=True, validators=[validate_ascii])
    name = models.CharField(_("name"), max_length=200, blank=True)
    is_active = models.BooleanField(_("active"), default=True)
    is_staff = models.BooleanField(_("may open the admin"), default=False)
    date_joined = models.DateTimeField(default=timezone.now, editable=False)
    # Of several organisations, the one that somebody chose to act for.
    acting_for = models.ForeignKey(Organisation, on_delete=models.SET_NULL, null=True, editable=False)

    objects: ClassVar[PersonManager] = PersonManager()

    USERNAME_FIELD = "email"

    class Meta:
        verbose_name = _("person")
        verbose_name_plural = _("people")
        ordering = ["email"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(email=Lower("email"), email__regex=r"^[!-~]+$"),
                name="person_email_one_spelling",
            )
        ]

    def __str__(self) -> str:
        return self.name or self.email

    def clean(self) -> None:
        super().clean()
        self.email = normal_address(self.email)


class Role(models.TextChoices):
    """What a person is in an organisation."""

    CLINICIAN = "clinician", _("Clinician")
    LAB = "lab", _("Laboratory")
    AUDITOR = "auditor", _("Auditor")
    ADMIN = "admin", _("Administrator")


class Membership(models.Model):
    """One role of one person in one organisation."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="memberships")
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, verbose_name=_("organisation"), related_name="memberships"
    )
    role = models.CharField(_("role"), max_length=12, choices=Role.choices)
    created_at = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        ordering = ["created_at"]
        verbose_name = _("role")
        verbose_name_plural = _("roles")
        constraints = [
            models.UniqueConstraint(fields=["person", "organisation", "role"], name="membership_once"),
            models.CheckConstraint(condition=models.Q(role__in=Role.values), name="membership_role_known"),
        ]

    def __str__(self) -> str:
        return gettext("{person}: {role} of {organisation}").format(
            person=self.person, role=self.get_role_display(), organisation=self.organisation
        )


class Invitation(models.Model):
    """A link that makes somebody a member of an organisation, once. Only its digest is kept."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(Organisation, on_delete=models.CASCADE)
    email = models.EmailField(validators=[validate_ascii])
    role = models.CharField(max_length=12, choices=Role.choices)
    invited_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    token_sha256 = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    expires_at = models.DateTimeField()
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.email}: {self.get_role_display()} of {self.organisation}"


class ApiKey(models.Model):
    """The key of a system: a public prefix, and the SHA-256 of a secret that is shown once.

    The secret has 256 random bits, so a fast hash is as safe as a slow one and 100,000 times quicker.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    organisation = models.ForeignKey(
        Organisation, on_delete=models.CASCADE, verbose_name=_("organisation"), related_name="api_keys"
    )
    name = models.CharField(_("name"), max_length=100)
    prefix = models.CharField(_("prefix"), max_length=12, unique=True)
    secret_sha256 = models.CharField(max_length=64)
    scopes = models.JSONField(_("scopes"), default=list)
    networks = models.JSONField(_("networks"), default=list, blank=True)
    issued_by = models.ForeignKey(
        Person, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    replaces = models.ForeignKey(
        "self", on_delete=models.PROTECT, null=True, editable=False, related_name="replaced_by"
    )
    created_at = models.DateTimeField(_("issued"), default=timezone.now, editable=False)
    expires_at = models.DateTimeField(_("expires"))
    first_used_at = models.DateTimeField(_("first used"), null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(_("last used"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("revoked"), null=True, blank=True)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = _("API key")
        verbose_name_plural = _("API keys")

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"


class SignInLink(models.Model):
    """A link that signs one person in, once. Only its digest is kept."""

    token_sha256 = models.CharField(max_length=64, primary_key=True)
    person = models.ForeignKey(Person, on_delete=models.CASCADE)
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Sign-in link of {self.person}"


class CaseKey(models.Model):
    """The key of one case, wrapped. Its row is what an erasure deletes: without it the case cannot be read.

    The table is made by the SQL of migration 0005: only there does an index of schema `audit` get a name.
    Without `case_digest` it is the key of a prediction that named no case, or of a case whose erasure is
    decided.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    organisation = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    case_digest = models.TextField(null=True)  # noqa: DJ001 - NULL says that no case was named
    wrapped = models.BinaryField()
    kek_id = models.TextField()
    created_at = models.DateTimeField()

    class Meta:
        managed = False
        db_table = '"audit"."case_key"'

    def __str__(self) -> str:
        return f"Key {self.id}"


class Event(models.Model):
    """One row of the audit trail. The database stamps every column but the body, and keeps it for ever.

    The table is made by the SQL of migrations 0002 and 0004, not by Django: `accounts.ledger` writes it,
    nobody else can.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    recorded_us = models.BigIntegerField()
    action = models.TextField()
    organisation = models.ForeignKey(Organisation, models.DO_NOTHING, null=True, db_constraint=False)
    person = models.ForeignKey(Person, models.DO_NOTHING, null=True, db_constraint=False)
    api_key = models.ForeignKey(ApiKey, models.DO_NOTHING, null=True, db_constraint=False)
    case_digest = models.TextField(null=True)  # noqa: DJ001 - NULL says that no case was named
    release = models.TextField(null=True)  # noqa: DJ001 - likewise
    prediction_id = models.UUIDField(null=True)
    body = models.BinaryField()
    mac = models.BinaryField()
    leaf = models.BinaryField()

    class Meta:
        managed = False
        db_table = '"audit"."event"'
        ordering = ["-id"]
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")

    def __str__(self) -> str:
        return f"{self.action} at {self.recorded_at:%Y-%m-%d %H:%M:%S} UTC"

    @property
    def recorded_at(self) -> datetime:
        """When the database recorded it, by its own clock."""
        return time_of(self.recorded_us)

    @property
    def facts(self) -> dict[str, Any]:
        """What the body says; nothing where somebody has made another thing of it than JSON."""
        with suppress(ValueError, RecursionError):
            facts = json.loads(bytes(self.body))
            return facts if isinstance(facts, dict) else {}
        return {}


class DailyCount(models.Model):
    """How many events of one kind an organisation had on a day in UTC, for the charts.

    Nothing is proven by it: `accounts.tallies` counts it from the audit trail, again and again.
    """

    day = models.DateField()
    organisation_id = models.UUIDField(null=True)
    action = models.TextField()
    # The code of a problem, for the refusals that name it; empty for all events of the action.
    reason = models.TextField()
    count = models.BigIntegerField()

    class Meta:
        indexes = [models.Index(fields=["day", "action"], name="dailycount_by_day")]

    def __str__(self) -> str:
        return f"{self.day}: {self.count} {self.action} {self.reason}"


class Verification(models.Model):
    """Somebody asked whether the audit trail is whole: a worker finds out and writes here how far it is."""

    class Status(models.TextChoices):
        """Where a verification stands."""

        WAITING = "waiting", _("Waiting for a worker")
        RUNNING = "running", _("Under way")
        FINISHED = "finished", _("Finished")
        FAILED = "failed", _("Broken off")

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    asked_by = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(default=timezone.now, editable=False)
    # When the worker was last heard of: one that was killed says nothing.
    heard_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    done = models.BigIntegerField(default=0)
    total = models.BigIntegerField(default=0)
    findings = models.JSONField(default=list)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(status__in=["finished", "failed"], finished_at__isnull=False)
                | models.Q(status__in=["waiting", "running"], finished_at__isnull=True),
                name="verification_ends_once",
            )
        ]

    def __str__(self) -> str:
        return f"{self.get_status_display()}, asked for by {self.asked_by}"

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come of it."""
        return self.finished_at is not None
