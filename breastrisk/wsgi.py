"""The WSGI application that the web server imports."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "breastrisk.settings")
django.setup(set_prefix=False)

from breastrisk.start_record import record_start  # noqa: E402 - Django is set up first
from breastrisk.transport import Handler  # noqa: E402 - likewise

record_start("web")
application = Handler()
