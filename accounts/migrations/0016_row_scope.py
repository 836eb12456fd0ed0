from django.db import migrations

from accounts.trail_sql import ROLES_ANEW, ROWS_OF_ORGANISATION

# The auditor compares whole tables with the trail, and the eraser deletes by the identifier of a key; each
# has little else to do with them (`audit.separate_roles`). The owner of a table is held by no policy.
SCOPE = r"""
CREATE FUNCTION audit.organisations_in_scope() RETURNS uuid[] LANGUAGE sql STABLE AS $$
    SELECT string_to_array(
        nullif(nullif(current_setting('breastrisk.organisations', true), ''), '*'), ','
    )::uuid[]
$$;
CREATE FUNCTION audit.sees_all_rows() RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT coalesce(current_setting('breastrisk.organisations', true), '') = '*'
        OR current_user IN (audit.role_name('auditor'), audit.role_name('eraser'))
$$;
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0015_oauth_clients")]

    operations = [
        migrations.RunSQL(SCOPE),
        migrations.RunSQL(ROWS_OF_ORGANISATION.format(table="audit.case_key")),
        migrations.RunSQL(ROLES_ANEW),
    ]
