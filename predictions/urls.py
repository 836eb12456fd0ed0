from django.urls import path
from django.views.generic import RedirectView

from predictions import views

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="new_prediction"), name="home"),
    path("predictions/", views.list_predictions, name="predictions"),
    path("predictions/new/", views.new_prediction, name="new_prediction"),
    path("predictions/<uuid:prediction_id>/", views.show_prediction, name="prediction"),
    path("problems/<slug:slug>/", views.explain_problem, name="problem"),
]
