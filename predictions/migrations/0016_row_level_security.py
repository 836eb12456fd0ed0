from django.db import migrations

from accounts.trail_sql import ROWS_OF_ORGANISATION, ROWS_OF_PARENT

OF_ORGANISATIONS = (
    "predictions_prediction",
    "predictions_cohort",
    "predictions_platformprofile",
    "predictions_erasurerequest",
    "predictions_erasuredecision",
    "predictions_retentionproposal",
    "predictions_retentionrule",
)
# Table, the column that names the parent, the parent and what it is named by. Each parent has a policy too.
OF_PARENTS = (
    ("predictions_review", "prediction_id", "predictions_prediction", "id"),
    ("predictions_shadowreading", "prediction_id", "predictions_prediction", "id"),
    ("predictions_madereport", "prediction_id", "predictions_prediction", "id"),
    ("predictions_cohortrefusal", "cohort_id", "predictions_cohort", "id"),
    ("predictions_cohortinput", "cohort_id", "predictions_cohort", "id"),
    ("predictions_inputpart", "upload", "predictions_cohortinput", "upload"),
    ("predictions_erasurecompletion", "decision_id", "predictions_erasuredecision", "id"),
)


class Migration(migrations.Migration):
    dependencies = [("predictions", "0015_answered_requests"), ("accounts", "0016_row_scope")]

    operations = [
        *(migrations.RunSQL(ROWS_OF_ORGANISATION.format(table=table)) for table in OF_ORGANISATIONS),
        *(
            migrations.RunSQL(ROWS_OF_PARENT.format(table=table, column=column, parent=parent, key=key))
            for table, column, parent, key in OF_PARENTS
        ),
    ]
