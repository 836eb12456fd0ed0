from django.db import migrations

from accounts.trail_sql import APPEND_ONLY

# What no CHECK can say, because it looks at two rows. `predictions.lifecycle` obeys the same rules; these
# hold for whoever has SQL.
RULES = r"""
-- An activation names its proposal's release, proposer and predecessor, and a roll back the release it
-- returns to. With `follows` unique, a proposal goes stale by itself: what it would follow is taken.
CREATE UNIQUE INDEX proposal_as_made ON predictions_proposal (id, release_id, proposed_by_id);
CREATE UNIQUE INDEX proposal_against ON predictions_proposal (id, against_id);
CREATE UNIQUE INDEX activation_of_release ON predictions_activation (id, release_id);
ALTER TABLE predictions_activation
    ADD CONSTRAINT activation_as_proposed FOREIGN KEY (proposal_id, release_id, proposed_by_id)
        REFERENCES predictions_proposal (id, release_id, proposed_by_id),
    ADD CONSTRAINT activation_not_stale FOREIGN KEY (proposal_id, follows_id)
        REFERENCES predictions_proposal (id, against_id),
    ADD CONSTRAINT activation_returns FOREIGN KEY (returns_to_id, release_id)
        REFERENCES predictions_activation (id, release_id);
-- Only one activation follows none: whatever came first, people or the first start.
CREATE UNIQUE INDEX activation_one_first ON predictions_activation ((true)) WHERE follows_id IS NULL;

-- Installations from before this migration have a live release and no activation.
INSERT INTO predictions_activation (id, kind, release_id, activated_at, reason)
    SELECT audit.uuid7(state_changed_at), 'first', id, state_changed_at, ''
    FROM predictions_release WHERE state = 'live';
SET CONSTRAINTS ALL IMMEDIATE;

CREATE FUNCTION audit.check_new_release() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state <> 'callable' THEN
        RAISE EXCEPTION 'A release starts callable, not %', NEW.state USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION audit.check_release_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(NEW) - 'state' - 'state_changed_at' <> to_jsonb(OLD) - 'state' - 'state_changed_at' THEN
        RAISE EXCEPTION 'Of a release only the state is ever changed' USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF (OLD.state, NEW.state) NOT IN (
        ('callable', 'live'), ('callable', 'shadow'), ('callable', 'retired'), ('callable', 'quarantined'),
        ('live', 'callable'), ('live', 'quarantined'),
        ('shadow', 'live'), ('shadow', 'callable'), ('shadow', 'retired'), ('shadow', 'quarantined'),
        ('retired', 'live'), ('retired', 'quarantined')
    ) THEN
        RAISE EXCEPTION 'A release does not go from % to %', OLD.state, NEW.state
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    IF NEW.state = 'live' AND NOT EXISTS (
        SELECT FROM predictions_activation latest
        WHERE latest.release_id = NEW.id
          AND NOT EXISTS (SELECT FROM predictions_activation later WHERE later.follows_id = latest.id)
    ) THEN
        RAISE EXCEPTION 'A release goes live by the latest activation only'
            USING ERRCODE = 'insufficient_privilege';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER check_insert BEFORE INSERT ON predictions_release
    FOR EACH ROW EXECUTE FUNCTION audit.check_new_release();
CREATE TRIGGER check_update BEFORE UPDATE ON predictions_release
    FOR EACH ROW EXECUTE FUNCTION audit.check_release_change();
CREATE TRIGGER refuse_delete BEFORE DELETE ON predictions_release
    FOR EACH ROW EXECUTE FUNCTION audit.refuse_change();
CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON predictions_release
    FOR EACH STATEMENT EXECUTE FUNCTION audit.refuse_change();
ALTER TABLE predictions_release ENABLE ALWAYS TRIGGER check_insert;
ALTER TABLE predictions_release ENABLE ALWAYS TRIGGER check_update;
ALTER TABLE predictions_release ENABLE ALWAYS TRIGGER refuse_delete;
ALTER TABLE predictions_release ENABLE ALWAYS TRIGGER refuse_truncate;
"""

TABLES = ("predictions_proposal", "predictions_activation", "predictions_shadowreading")


class Migration(migrations.Migration):
    dependencies = [("predictions", "0003_release_lifecycle")]

    operations = [
        migrations.RunSQL(RULES),
        *(migrations.RunSQL(APPEND_ONLY.format(table=table)) for table in TABLES),
    ]
