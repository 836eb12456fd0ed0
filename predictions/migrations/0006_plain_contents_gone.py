from django.db import migrations

# The plain columns are dropped, but what stood in them is in the files until the tables are written anew. It takes
# a transaction of its own: in that of the change the old rows are still somebody's.
TABLES = ("predictions_prediction", "predictions_shadowreading", "predictions_proposal")


class Migration(migrations.Migration):
    dependencies = [("predictions", "0005_sealed_contents")]

    operations = [migrations.RunSQL(f"CLUSTER {table} USING {table}_pkey") for table in TABLES]
