"""`python manage.py up`: the whole product, in one terminal."""

import ipaddress
import os
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from breastrisk.embedded.process import ServerFailed
from breastrisk.embedded.state import StateDirectory, StateLocked, StateUnusable
from breastrisk.supervisor import AddressTaken, Supervisor


class Command(BaseCommand):
    """Start everything and keep it running until Ctrl-C."""

    help = "Start Postgres, Valkey, the web server and the worker, and keep them running until Ctrl-C."
    requires_system_checks = []

    def handle(self, *_args: Any, **_options: Any) -> None:
        """Read the address from HOST and PORT."""
        try:
            Supervisor(StateDirectory.default(), _read_host(), _read_port()).run()
        except (StateLocked, StateUnusable, ServerFailed, AddressTaken) as problem:
            raise CommandError(str(problem)) from None
        except OperationalError as problem:
            raise CommandError(f"The database does not answer: {problem}") from None


def _read_host() -> str:
    host = os.environ.get("HOST", "127.0.0.1")
    try:
        return "127.0.0.1" if host == "localhost" else str(ipaddress.ip_address(host))
    except ValueError:
        raise CommandError(f"HOST has to be an IP address of this machine, not {host!r}.") from None


def _read_port() -> int:
    port = os.environ.get("PORT", "8000")
    try:
        number = int(port)
    except ValueError:
        number = 0
    if not 0 < number < 2**16:
        raise CommandError(f"PORT has to be a number from 1 to 65535, not {port!r}.")
    return number
