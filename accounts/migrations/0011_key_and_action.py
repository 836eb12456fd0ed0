"""A key with an action that it hardly ever takes is found without reading all that the key did."""

from django.db import migrations

INDEX = """
CREATE INDEX event_by_key_action ON audit.event (api_key_id, action, id) WHERE api_key_id IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0010_words")]

    operations = [migrations.RunSQL(INDEX)]
