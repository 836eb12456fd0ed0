"""SQL that several migrations run alike: rows that nobody changes, whose rows are seen, and the roles."""

APPEND_ONLY = """
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE {table} ENABLE ALWAYS TRIGGER refuse_change;
ALTER TABLE {table} ENABLE ALWAYS TRIGGER refuse_truncate;
"""
# What a migration adds, the roles have no rights to yet, if there are roles.
ROLES_ANEW = """
DO $$
BEGIN
    IF pg_has_role(current_user, (SELECT nspowner FROM pg_namespace WHERE nspname = 'audit'), 'USAGE')
       AND to_regrole(audit.role_name('ledger')::text) IS NOT NULL THEN
        CALL audit.separate_roles();
    END IF;
END $$;
"""
# Whose rows a statement touches (`accounts.row_scope`); what it writes has to be among them. Both sub-selects
# are answered once for a statement, not for each row.
ROWS_OF_ORGANISATION = """
CREATE POLICY of_organisation ON {table} USING (
    (SELECT audit.sees_all_rows())
    OR organisation_id = ANY ((SELECT audit.organisations_in_scope())::uuid[])
);
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
"""
# What has no organisation of its own is seen where its parent is, by the parent's own policy.
ROWS_OF_PARENT = """
CREATE POLICY of_parent ON {table} USING (
    (SELECT audit.sees_all_rows())
    OR EXISTS (SELECT FROM {parent} parent WHERE parent.{key} = {table}.{column})
);
ALTER TABLE {table} ENABLE ROW LEVEL SECURITY;
"""
