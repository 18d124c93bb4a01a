"""roll-ups of the journal, invoices, one open incident per subject"""

from alembic import op
import sqlalchemy as sa

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None

SUMS = (
    'prompts', 'input_tokens', 'output_tokens', 'allowance_tokens', 'charge_nanousd', 'allowance_nanousd',
    'cost_nanousd', 'waste_nanousd',
)
TIMINGS = (
    'attempts', 'first_tokens', 'first_token_ms', 'le_250', 'le_500', 'le_1000', 'le_2500', 'le_5000', 'le_10000',
)


def _numbers(names):
    return [sa.Column(name, BIG, nullable=False) for name in names]


def _words(names):
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def upgrade() -> None:
    op.create_table('tenant_days',
    *_numbers(('tenant_id', 'day', 'key_id')),
    *_words(('asked', 'provider', 'model')),
    *_numbers(SUMS),
    sa.PrimaryKeyConstraint('tenant_id', 'day', 'key_id', 'asked', 'provider', 'model')
    )
    op.create_index('tenant_days_of_day', 'tenant_days', ['day'], unique=False)
    op.create_table('house_days',
    *_numbers(('day',)),
    *_words(('asked', 'provider', 'model')),
    *_numbers(SUMS),
    sa.PrimaryKeyConstraint('day', 'asked', 'provider', 'model')
    )
    op.create_table('provider_days',
    *_numbers(('day',)),
    *_words(('provider', 'outcome')),
    *_numbers(TIMINGS),
    sa.PrimaryKeyConstraint('day', 'provider', 'outcome')
    )
    op.create_table('invoices',
    *_numbers(('id', 'number', 'tenant_id', 'month', 'from_at', 'until_at', 'issued_at', 'opening_nanousd',
               'moved_nanousd', 'closing_nanousd', 'services_nanousd')),
    *_words(('document',)),
    sa.CheckConstraint('closing_nanousd = opening_nanousd + moved_nanousd', name='invoice_adds_up'),
    sa.CheckConstraint('from_at < until_at AND number > 0', name='invoice_has_a_month'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('number'),
    sa.UniqueConstraint('tenant_id', 'month', name='one_invoice_a_month')
    )
    # For all transfers except charges, which are found through the journal.
    rare = sa.text("kind <> 'charge'")
    op.create_index('transfers_besides_charges', 'transfers', ['tenant_id', 'created_at'], unique=False,
                    sqlite_where=rare, postgresql_where=rare)
    op.execute("UPDATE incidents SET state = 'closed', closed_at = seen_at WHERE state = 'open' AND id NOT IN"
               " (SELECT MAX(id) FROM incidents WHERE state = 'open' GROUP BY kind, subject)")
    still_open = sa.text("state = 'open'")
    op.create_index('one_open_incident', 'incidents', ['kind', 'subject'], unique=True,
                    sqlite_where=still_open, postgresql_where=still_open)
    for sql in SQLITE if op.get_bind().dialect.name == 'sqlite' else POSTGRESQL:
        op.execute(sql)


def downgrade() -> None:
    op.drop_index('one_open_incident', 'incidents')
    op.drop_index('transfers_besides_charges', 'transfers')
    for table in ('invoices', 'provider_days', 'house_days', 'tenant_days'):
        op.drop_table(table)
    op.execute("DELETE FROM watermarks WHERE name IN ('rollups', 'invoices', 'invoiced_until')")


SQLITE = (
    """CREATE TRIGGER invoices_stay BEFORE UPDATE ON invoices
       BEGIN SELECT RAISE(ABORT, 'an invoice is never changed'); END""",
    """CREATE TRIGGER invoices_remain BEFORE DELETE ON invoices
       BEGIN SELECT RAISE(ABORT, 'an invoice is never deleted'); END""",
)
POSTGRESQL = (
    """CREATE TRIGGER invoices_stay BEFORE UPDATE OR DELETE ON invoices
       FOR EACH ROW EXECUTE FUNCTION refuse_change()""",
)
