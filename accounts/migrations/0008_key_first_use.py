from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("accounts", "0005_case_keys")]

    operations = [
        migrations.AddField(
            model_name="apikey",
            name="first_used_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        )
    ]
