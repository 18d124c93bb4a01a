"""Triggers that protect rows which never change, and the view of both sides of each transfer."""

VIEW = """
CREATE VIEW ledger_entries AS
SELECT id AS transfer_id, debit AS account, -amount_nanousd AS amount_nanousd, created_at FROM transfers
UNION ALL
SELECT id, credit, amount_nanousd, created_at FROM transfers
"""

SQLITE = (
    """CREATE TRIGGER transfers_stay BEFORE UPDATE ON transfers
       BEGIN SELECT RAISE(ABORT, 'a transfer is never changed'); END""",
    """CREATE TRIGGER transfers_remain BEFORE DELETE ON transfers
       BEGIN SELECT RAISE(ABORT, 'a transfer is never deleted'); END""",
    """CREATE TRIGGER resolved_holds_stay BEFORE UPDATE ON holds WHEN OLD.state <> 'open'
       BEGIN SELECT RAISE(ABORT, 'a resolved hold is never changed'); END""",
    """CREATE TRIGGER holds_remain BEFORE DELETE ON holds WHEN OLD.state IN ('open', 'captured')
       BEGIN SELECT RAISE(ABORT, 'an open or captured hold is never deleted'); END""",
)
SQLITE_DOWN = (
    "DROP TRIGGER holds_remain",
    "DROP TRIGGER resolved_holds_stay",
    "DROP TRIGGER transfers_remain",
    "DROP TRIGGER transfers_stay",
)

POSTGRESQL = (
    """CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS
       $$ BEGIN
         RAISE EXCEPTION '% rows never change', TG_TABLE_NAME USING ERRCODE = 'check_violation';
       END $$""",
    """CREATE TRIGGER transfers_stay BEFORE UPDATE OR DELETE ON transfers
       FOR EACH ROW EXECUTE FUNCTION refuse_change()""",
    """CREATE TRIGGER resolved_holds_stay BEFORE UPDATE ON holds
       FOR EACH ROW WHEN (OLD.state <> 'open') EXECUTE FUNCTION refuse_change()""",
    """CREATE TRIGGER holds_remain BEFORE DELETE ON holds
       FOR EACH ROW WHEN (OLD.state IN ('open', 'captured')) EXECUTE FUNCTION refuse_change()""",
)
POSTGRESQL_DOWN = (
    "DROP TRIGGER holds_remain ON holds",
    "DROP TRIGGER resolved_holds_stay ON holds",
    "DROP TRIGGER transfers_stay ON transfers",
    "DROP FUNCTION refuse_change()",
)

# Since 0002 a request has one row: a later epoch may replace a void or expired hold, never a captured one.
HELD_AGAIN = "OLD.state IN ('void', 'expired') AND NOT (NEW.state = 'open' AND NEW.epoch > OLD.epoch)"
SQLITE_HOLDS = (
    f"""CREATE TRIGGER resolved_holds_stay BEFORE UPDATE ON holds WHEN OLD.state = 'captured' OR ({HELD_AGAIN})
       BEGIN SELECT RAISE(ABORT, 'a resolved hold is never changed'); END""",
    """CREATE TRIGGER holds_remain BEFORE DELETE ON holds WHEN OLD.state IN ('open', 'captured')
       BEGIN SELECT RAISE(ABORT, 'an open or captured hold is never deleted'); END""",
)
SQLITE_ATTEMPTS = (
    """CREATE TRIGGER attempts_stay BEFORE UPDATE ON attempts WHEN OLD.kept
       BEGIN SELECT RAISE(ABORT, 'a kept attempt is never changed'); END""",
    """CREATE TRIGGER attempts_remain BEFORE DELETE ON attempts WHEN OLD.kept
       BEGIN SELECT RAISE(ABORT, 'a kept attempt is never deleted'); END""",
)
POSTGRESQL_HOLDS = (
    f"""CREATE TRIGGER resolved_holds_stay BEFORE UPDATE ON holds
       FOR EACH ROW WHEN (OLD.state = 'captured' OR ({HELD_AGAIN})) EXECUTE FUNCTION refuse_change()""",
    """CREATE TRIGGER holds_remain BEFORE DELETE ON holds
       FOR EACH ROW WHEN (OLD.state IN ('open', 'captured')) EXECUTE FUNCTION refuse_change()""",
)
POSTGRESQL_ATTEMPTS = (
    """CREATE TRIGGER attempts_stay BEFORE UPDATE OR DELETE ON attempts
       FOR EACH ROW WHEN (OLD.kept) EXECUTE FUNCTION refuse_change()""",
)


def up(dialect: str) -> tuple[str, ...]:
    return (VIEW, *(SQLITE if dialect == "sqlite" else POSTGRESQL))


def down(dialect: str) -> tuple[str, ...]:
    return (*(SQLITE_DOWN if dialect == "sqlite" else POSTGRESQL_DOWN), "DROP VIEW ledger_entries")
