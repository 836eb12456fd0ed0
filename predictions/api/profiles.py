"""Platform profiles for systems: reference samples in, what was learned out."""

from typing import Annotated, Any
from uuid import UUID

import numpy as np
from django.http import Http404
from django.urls import reverse
from pydantic import Field
from rest_framework.request import Request
from rest_framework.response import Response

from predictions import profiles
from predictions.api.body import Closed, Finite, Short, parse_as
from predictions.api.strict_json import parse_object
from predictions.api.views import ApiView, check_transport
from predictions.exceptions import PanelRefused
from predictions.profile_records import PlatformProfile

# A thousand samples of a panel of 69 genes; Django reads no more (DATA_UPLOAD_MAX_MEMORY_SIZE).
LARGEST_PROFILE_BODY = 2_500_000
MOST_IDENTIFIERS = 1_000


class ProfileOptions(Closed):
    """What may be read into the samples."""

    alias_policy: Annotated[str, Field(pattern="^(accept|reject)$")] = "reject"


class ProfileBody(Closed):
    """The body of `POST /api/v1/profiles`: each sample maps an identifier to its value, or to null."""

    platform: Short
    unit: Short
    samples: Annotated[
        list[Annotated[dict[str, Finite | None], Field(max_length=MOST_IDENTIFIERS)]],
        Field(min_length=1, max_length=profiles.MOST_SAMPLES),
    ]
    options: ProfileOptions = ProfileOptions()

    def as_reference(self) -> profiles.Reference:
        """The same samples in the terms of `profiles`."""
        identifiers = tuple(dict.fromkeys(name for sample in self.samples for name in sample))
        rows = [[sample.get(name) for name in identifiers] for sample in self.samples]
        values = np.array(rows, dtype=np.float64).reshape(len(rows), len(identifiers))
        return profiles.Reference(
            platform=self.platform,
            unit=self.unit,
            identifiers=identifiers,
            values=values,
            accept_former_symbols=self.options.alias_policy == "accept",
        )


class ProfilesView(ApiView):
    """`/api/v1/profiles`: POST learns one, GET lists those of the key's organisation, newest first."""

    scopes = {"GET": "read", "HEAD": "read", "OPTIONS": "read", "POST": "profile"}

    def get(self, request: Request) -> Response:  # noqa: ARG002 - Django's signature
        found = profiles.profiles_of(self.actor)
        return Response({"profiles": [facts_of_profile(profile) for profile in found]})

    def post(self, request: Request) -> Response:
        check_transport(request, LARGEST_PROFILE_BODY)
        try:
            body = parse_as(ProfileBody, parse_object(request.body))
        except PanelRefused as refusal:
            profiles.record_refusal(refusal, self.actor)
            raise
        profile = profiles.learn_profile(body.as_reference(), self.actor)
        location = reverse("api_profile", args=[profile.id])
        return Response(_with_genes(profile), status=201, headers={"Location": location})


class ProfileView(ApiView):
    """`GET /api/v1/profiles/{id}`: one profile of the key's organisation, with location and scale."""

    scopes = {"GET": "read", "HEAD": "read", "OPTIONS": "read"}

    def get(self, request: Request, profile_id: UUID) -> Response:  # noqa: ARG002 - Django's signature
        profile = profiles.profiles_of(self.actor).filter(id=profile_id).first()
        if profile is None:
            raise Http404
        return Response(_with_genes(profile))


def facts_of_profile(profile: PlatformProfile) -> dict[str, Any]:
    """Everything that is published of a profile but its genes."""
    return {
        "id": str(profile.id),
        "platform": profile.platform,
        "version": profile.version,
        "unit": profile.unit,
        "release": {"name": profile.release.name, "version": profile.release.version},
        "samples": profile.samples,
        "samples_left_out": profile.left_out,
        "genes_learned": len(profile.genes),
        "receptor_variance_ratio": profile.receptor_variance,
        "looks_consecutive": profile.looks_consecutive,
        "sha256": profile.sha256,
        "learned_at": profile.event.recorded_at.isoformat(),
        "audit_event": str(profile.event_id),
    }


def _with_genes(profile: PlatformProfile) -> dict[str, Any]:
    genes = {
        symbol: {"location": location, "scale": scale}
        for symbol, (location, scale) in sorted(profile.genes.items())
    }
    return {**facts_of_profile(profile), "genes": genes}
