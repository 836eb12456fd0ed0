from django.urls import path
from django.views.generic import RedirectView

from predictions import cohort_pages, format_pages, model_pages, profile_pages, review_pages, views

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="new_prediction"), name="home"),
    path("predictions/", views.list_predictions, name="predictions"),
    path("predictions/new/", views.new_prediction, name="new_prediction"),
    path("predictions/sample.csv", views.download_example, name="example_panel"),
    path("predictions/formats/", format_pages.list_formats, name="formats"),
    path("predictions/formats/<slug:code>/", format_pages.download_sample, name="format_sample"),
    path("predictions/<uuid:prediction_id>/", views.show_prediction, name="prediction"),
    path("predictions/<uuid:prediction_id>/compare/", views.compare_prediction, name="compare_prediction"),
    path(
        "predictions/<uuid:prediction_id>/second-reading/", views.show_second_reading, name="second_reading"
    ),
    path(
        "predictions/<uuid:prediction_id>/reviews/", review_pages.review_prediction, name="review_prediction"
    ),
    path("predictions/<uuid:prediction_id>/patient/", review_pages.show_patient_page, name="patient_page"),
    path("predictions/<uuid:prediction_id>/receipt.json", views.download_receipt, name="prediction_receipt"),
    path("predictions/<uuid:prediction_id>/report.pdf", views.download_report, name="prediction_report"),
    path("cohorts/", cohort_pages.cohorts_page, name="cohorts"),
    path("cohorts/<uuid:cohort_id>/", cohort_pages.show_cohort, name="cohort"),
    path("cohorts/<uuid:cohort_id>/progress/", cohort_pages.show_progress, name="cohort_progress"),
    path("cohorts/<uuid:cohort_id>/cancel/", cohort_pages.cancel_cohort, name="cancel_cohort"),
    path("cohorts/<uuid:cohort_id>/again/", cohort_pages.read_cohort_again, name="cohort_again"),
    path("cohorts/<uuid:cohort_id>/problems/", cohort_pages.list_problems, name="cohort_problems"),
    path("cohorts/<uuid:cohort_id>/annotated.csv", cohort_pages.download_annotated, name="cohort_annotated"),
    path("cohorts/<uuid:cohort_id>/results.<str:code>", cohort_pages.download_results, name="cohort_results"),
    path("models/", model_pages.list_models, name="models"),
    path("models/<str:name>/<str:version>/", model_pages.show_card, name="model_card"),
    path("models/<str:name>/<str:version>/card.md", model_pages.download_card, name="model_card_file"),
    path("profiles/", profile_pages.list_profiles, name="profiles"),
    path("profiles/new/", profile_pages.new_profile, name="new_profile"),
    path("profiles/<uuid:profile_id>/", profile_pages.show_profile, name="profile"),
    path("problems/<slug:slug>/", views.explain_problem, name="problem"),
]
