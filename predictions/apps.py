from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class PredictionsConfig(AppConfig):
    name = "predictions"
    verbose_name = _("Predictions")

    def ready(self) -> None:
        from accounts import audit_charts, verification  # noqa: PLC0415 - they need the models
        from predictions import refusal_words  # noqa: PLC0415 - likewise
        from predictions.trail_comparison import compare_kept  # noqa: PLC0415 - likewise

        verification.further_checks.append(compare_kept)
        audit_charts.reason_words.update(refusal_words.WORDS)
