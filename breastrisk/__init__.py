"""The porch: settings, addresses, the Celery application, health and the embedded servers."""
