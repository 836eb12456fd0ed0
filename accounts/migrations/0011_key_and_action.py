"""A key with an action that it hardly takes is found without reading the key's events."""

from django.db import migrations

INDEX = """
DROP INDEX audit.event_by_key;
CREATE INDEX event_by_key ON audit.event (api_key_id, id) INCLUDE (action, organisation_id)
    WHERE api_key_id IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_words")]

    operations = [migrations.RunSQL(INDEX)]
