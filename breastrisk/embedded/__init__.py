"""Postgres and Valkey out of pip wheels, for machines that have neither. Knows nothing of Django."""
