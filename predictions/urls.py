from django.urls import path
from django.views.generic import RedirectView

from predictions import format_pages, model_pages, profile_pages, review_pages, views

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
    path("models/", model_pages.list_models, name="models"),
    path("models/<str:name>/<str:version>/", model_pages.show_card, name="model_card"),
    path("models/<str:name>/<str:version>/card.md", model_pages.download_card, name="model_card_file"),
    path("profiles/", profile_pages.list_profiles, name="profiles"),
    path("profiles/new/", profile_pages.new_profile, name="new_profile"),
    path("profiles/<uuid:profile_id>/", profile_pages.show_profile, name="profile"),
    path("problems/<slug:slug>/", views.explain_problem, name="problem"),
]
