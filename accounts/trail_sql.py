"""SQL that several migrations run alike: rows that nobody changes, and the rights of the roles once more."""

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
