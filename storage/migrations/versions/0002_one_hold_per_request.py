"""one hold per request: all guards in one row, fewer indexes"""

from alembic import op
import sqlalchemy as sa

from storage.migrations import guards

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None

KEPT = {'sqlite_where': sa.text('kept'), 'postgresql_where': sa.text('kept')}
OPEN = {'sqlite_where': sa.text("state = 'open'"), 'postgresql_where': sa.text("state = 'open'")}
CAPTURED = {'sqlite_where': sa.text("state = 'captured'"), 'postgresql_where': sa.text("state = 'captured'")}
COLUMNS = (
    'request_id, epoch, tenant_id, key_id, key_month, state, wallet_nanousd, allowance_tokens, tokens, period_no,'
    ' lease_id, created_at, resolved_at, charge_nanousd, charged_allowance_tokens'
)


def _hold_columns():
    return (
        sa.Column('request_id', sa.String(), nullable=False),
        sa.Column('epoch', BIG, nullable=False),
        sa.Column('tenant_id', BIG, nullable=False),
        sa.Column('key_id', BIG, nullable=True),
        sa.Column('key_month', BIG, server_default='0', nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('wallet_nanousd', BIG, nullable=False),
        sa.Column('allowance_tokens', BIG, nullable=False),
        sa.Column('tokens', BIG, nullable=False),
        sa.Column('period_no', BIG, nullable=False),
        sa.Column('lease_id', sa.String(), nullable=False),
        sa.Column('created_at', BIG, nullable=False),
        sa.Column('resolved_at', BIG, nullable=True),
        sa.Column('charge_nanousd', BIG, server_default='0', nullable=False),
        sa.Column('charged_allowance_tokens', BIG, server_default='0', nullable=False),
        sa.CheckConstraint("state IN ('open', 'captured', 'void', 'expired')", name='hold_state'),
        sa.CheckConstraint('charge_nanousd >= 0 AND charge_nanousd <= wallet_nanousd', name='charge_within_hold'),
        sa.CheckConstraint('wallet_nanousd >= 0 AND allowance_tokens >= 0 AND tokens >= 0', name='hold_not_negative'),
        sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id']),
    )


def _replace_holds(columns: str, select: str, *more, **kwargs) -> None:
    op.drop_index('open_holds', table_name='holds')
    op.rename_table('holds', 'old_holds')
    if op.get_bind().dialect.name == 'postgresql':
        op.execute('ALTER TABLE old_holds DROP CONSTRAINT holds_pkey')
    op.create_table('holds', *more, *_hold_columns(), **kwargs)
    op.execute(f'INSERT INTO holds ({columns}) {select}')
    op.drop_table('old_holds')
    op.create_index('open_holds', 'holds', ['lease_id'], **OPEN)


def _triggers(sqlite: tuple[str, ...], postgresql: tuple[str, ...]) -> None:
    for statement in sqlite if op.get_bind().dialect.name == 'sqlite' else postgresql:
        op.execute(statement)


def upgrade() -> None:
    # Of the holds of one request keep the captured one, else the latest.
    for index in ('ix_holds_request_id', 'ix_holds_tenant_id', 'one_capture_per_request'):
        op.drop_index(index, table_name='holds')
    latest = (
        f"SELECT {COLUMNS} FROM (SELECT h.*, ROW_NUMBER() OVER (PARTITION BY request_id"
        " ORDER BY CASE WHEN state = 'captured' THEN 0 ELSE 1 END, epoch DESC) AS place FROM old_holds h) ranked"
        ' WHERE place = 1'
    )
    _replace_holds(
        COLUMNS,
        latest,
        sa.PrimaryKeyConstraint('request_id', name='holds_pkey'),
        sa.CheckConstraint(
            "state = 'captured' OR (charge_nanousd = 0 AND charged_allowance_tokens = 0)", name='only_captures_charge'
        ),
        sqlite_with_rowid=False,
    )
    _triggers(guards.SQLITE_HOLDS, guards.POSTGRESQL_HOLDS)

    op.drop_index('one_kept_attempt_per_hold', table_name='attempts')
    op.drop_index('ix_attempts_request_id', table_name='attempts')
    op.drop_column('attempts', 'hold_id')
    op.create_index('one_kept_attempt_per_request', 'attempts', ['request_id'], unique=True, **KEPT)
    _triggers(guards.SQLITE_ATTEMPTS, guards.POSTGRESQL_ATTEMPTS)

    op.drop_table('receipts')
    op.create_table('receipts',
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('answered_at', BIG, nullable=False),
    sa.Column('charge_nanousd', BIG, server_default='0', nullable=False),
    sa.Column('allowance_tokens', BIG, server_default='0', nullable=False),
    sa.Column('receipt', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('tenant_id')
    )

    op.create_table('audited_balances',
    sa.Column('account', sa.String(), nullable=False),
    sa.Column('sum_nanousd', BIG, nullable=False),
    sa.PrimaryKeyConstraint('account')
    )


def downgrade() -> None:
    op.drop_table('audited_balances')
    op.execute("DELETE FROM watermarks WHERE name = 'audit'")
    op.drop_table('receipts')
    op.create_table('receipts',
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('answered_at', BIG, nullable=False),
    sa.Column('charge_nanousd', BIG, server_default='0', nullable=False),
    sa.Column('allowance_tokens', BIG, server_default='0', nullable=False),
    sa.Column('receipt', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('request_id')
    )
    op.create_index('receipts_of_tenant', 'receipts', ['tenant_id', 'answered_at'])

    _triggers(
        ('DROP TRIGGER attempts_remain', 'DROP TRIGGER attempts_stay'),
        ('DROP TRIGGER attempts_stay ON attempts',),
    )
    op.drop_index('one_kept_attempt_per_request', table_name='attempts')
    op.add_column('attempts', sa.Column('hold_id', sa.String(), nullable=True))
    op.execute(
        "UPDATE attempts SET hold_id = (SELECT request_id || ':' || epoch FROM holds h"
        ' WHERE h.request_id = attempts.request_id) WHERE kept'
    )
    op.create_index('ix_attempts_request_id', 'attempts', ['request_id'])
    op.create_index('one_kept_attempt_per_hold', 'attempts', ['hold_id'], unique=True, **KEPT)

    _replace_holds(
        f'id, {COLUMNS}',
        f"SELECT request_id || ':' || epoch, {COLUMNS} FROM old_holds",
        sa.Column('id', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('id', name='holds_pkey'),
    )
    op.create_index('ix_holds_request_id', 'holds', ['request_id'])
    op.create_index('ix_holds_tenant_id', 'holds', ['tenant_id'])
    op.create_index('one_capture_per_request', 'holds', ['request_id'], unique=True, **CAPTURED)
    remade = [text for text in (*guards.SQLITE, *guards.POSTGRESQL) if ' ON holds' in text]
    _triggers(tuple(remade[:2]), tuple(remade[2:]))
