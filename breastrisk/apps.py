from django.apps import AppConfig


class BreastriskConfig(AppConfig):
    name = "breastrisk"

    def ready(self) -> None:
        from breastrisk import checks  # noqa: F401, PLC0415 - they need the settings
