from django.urls import path

from predictions.api.views import PredictionView, PredictView

urlpatterns = [
    path("predict", PredictView.as_view(), name="api_predict"),
    path("predictions/<uuid:prediction_id>", PredictionView.as_view(), name="api_prediction"),
]
