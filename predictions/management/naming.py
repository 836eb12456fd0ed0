"""The releases, people and numbers that an operator names at the command line."""

from argparse import ArgumentTypeError

from django.core.management.base import CommandError

from accounts.actors import Steward
from accounts.models import Person
from predictions.models import Release


def named_release(name: str, version: str) -> Release:
    """The release on record.

    Raises
    ------
    CommandError
        When there is none; it says which there are.
    """
    release = Release.objects.filter(name=name, version=version).first()
    if release is None:
        known = ", ".join(map(str, Release.objects.all())) or "none; run train_model"
        raise CommandError(f"No such release is registered. Registered: {known}.")
    return release


def named_steward(email: str) -> Steward:
    """The person with this address, in whose name the operator acts.

    Raises
    ------
    CommandError
        When there is nobody.
    """
    person = Person.objects.filter(email__iexact=email).first()
    if person is None:
        raise CommandError(f"Nobody has the address {email}.")
    return Steward(person, "command")


def count(text: str) -> int:
    """A number from 1 on.

    Raises
    ------
    ArgumentTypeError
        When it is none.
    """
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError("a whole number from 1 on is needed")
    return int(text)
