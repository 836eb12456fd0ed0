from django.db import migrations

# As `createcachetable` makes it, so that nobody has to know of that command.
TABLE = """
CREATE TABLE accounts_cache (
    cache_key varchar(255) PRIMARY KEY, value text NOT NULL, expires timestamp with time zone NOT NULL
);
CREATE INDEX accounts_cache_expires ON accounts_cache (expires);
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0011_key_and_action")]

    operations = [migrations.RunSQL(TABLE, "DROP TABLE accounts_cache")]
