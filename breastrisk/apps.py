from django.apps import AppConfig


class BreastriskConfig(AppConfig):
    name = "breastrisk"
