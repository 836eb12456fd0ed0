from django.apps import AppConfig


class PredictionsConfig(AppConfig):
    name = "predictions"

    def ready(self) -> None:
        from accounts import verification  # noqa: PLC0415 - it needs the models
        from predictions.trail_comparison import compare_kept  # noqa: PLC0415 - likewise

        verification.further_checks.append(compare_kept)
