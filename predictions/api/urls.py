from django.urls import path

from predictions.api.cards import CardView, ModelsView
from predictions.api.cohorts import (
    CancelCohortView,
    CohortProblemsView,
    CohortResultsView,
    CohortsView,
    CohortView,
)
from predictions.api.formats import FormatSampleView, FormatsView
from predictions.api.lists import PredictionsView, SearchView
from predictions.api.profiles import ProfilesView, ProfileView
from predictions.api.proofs import CheckpointView, ConsistencyView, ReceiptView
from predictions.api.reports import ReportView
from predictions.api.views import PredictionView, PredictView

urlpatterns = [
    path("predict", PredictView.as_view(), name="api_predict"),
    path("cohorts", CohortsView.as_view(), name="api_cohorts"),
    path("cohorts/<uuid:cohort_id>", CohortView.as_view(), name="api_cohort"),
    path("cohorts/<uuid:cohort_id>/results", CohortResultsView.as_view(), name="api_cohort_results"),
    path("cohorts/<uuid:cohort_id>/problems", CohortProblemsView.as_view(), name="api_cohort_problems"),
    path("cohorts/<uuid:cohort_id>/cancel", CancelCohortView.as_view(), name="api_cancel_cohort"),
    path("formats", FormatsView.as_view(), name="api_formats"),
    path("formats/<slug:code>/sample", FormatSampleView.as_view(), name="api_format_sample"),
    path("models", ModelsView.as_view(), name="api_models"),
    path("models/<str:name>/<str:version>/card", CardView.as_view(), name="api_model_card"),
    path("predictions", PredictionsView.as_view(), name="api_predictions"),
    path("predictions/search", SearchView.as_view(), name="api_search"),
    path("predictions/<uuid:prediction_id>", PredictionView.as_view(), name="api_prediction"),
    path("predictions/<uuid:prediction_id>/receipt", ReceiptView.as_view(), name="api_receipt"),
    path("predictions/<uuid:prediction_id>/report", ReportView.as_view(), name="api_report"),
    path("profiles", ProfilesView.as_view(), name="api_profiles"),
    path("profiles/<uuid:profile_id>", ProfileView.as_view(), name="api_profile"),
    path("ledger/checkpoint", CheckpointView.as_view(), name="api_checkpoint"),
    path("ledger/consistency", ConsistencyView.as_view(), name="api_consistency"),
]
