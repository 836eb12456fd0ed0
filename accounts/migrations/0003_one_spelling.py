import django.db.models.functions.text
from django.db import migrations, models

import accounts.addresses


class Migration(migrations.Migration):
    dependencies = [("accounts", "0002_ledger")]

    operations = [
        migrations.RunSQL("UPDATE accounts_person SET email = lower(email) WHERE email <> lower(email)"),
        migrations.RemoveConstraint(model_name="person", name="person_email_any_case"),
        migrations.AlterField(
            model_name="person",
            name="email",
            field=models.EmailField(
                max_length=254,
                unique=True,
                validators=[accounts.addresses.validate_ascii],
                verbose_name="e-mail address",
            ),
        ),
        migrations.AddConstraint(
            model_name="person",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("email", django.db.models.functions.text.Lower("email")), ("email__regex", "^[!-~]+$")
                ),
                name="person_email_one_spelling",
            ),
        ),
    ]
