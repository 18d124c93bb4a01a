"""the first tables"""

from alembic import op
import sqlalchemy as sa

from storage.migrations import guards

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('attempts',
    sa.Column('id', BIG, nullable=False),
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('hold_id', sa.String(), nullable=True),
    sa.Column('ordinal', BIG, nullable=False),
    sa.Column('tenant_id', BIG, nullable=True),
    sa.Column('key_id', BIG, nullable=True),
    sa.Column('asked', sa.String(), nullable=False),
    sa.Column('provider', sa.String(), nullable=False),
    sa.Column('model', sa.String(), nullable=False),
    sa.Column('served', sa.String(), nullable=False),
    sa.Column('outcome', sa.String(), nullable=False),
    sa.Column('status', BIG, nullable=True),
    sa.Column('kept', sa.Boolean(), nullable=False),
    sa.Column('estimated', sa.Boolean(), nullable=False),
    sa.Column('input_tokens', BIG, server_default='0', nullable=False),
    sa.Column('cached_tokens', BIG, server_default='0', nullable=False),
    sa.Column('cache_write_tokens', BIG, server_default='0', nullable=False),
    sa.Column('output_tokens', BIG, server_default='0', nullable=False),
    sa.Column('reasoning_tokens', BIG, server_default='0', nullable=False),
    sa.Column('cost_nanousd', BIG, server_default='0', nullable=False),
    sa.Column('waste_nanousd', BIG, server_default='0', nullable=False),
    sa.Column('charge_nanousd', BIG, server_default='0', nullable=False),
    sa.Column('allowance_tokens', BIG, server_default='0', nullable=False),
    sa.Column('allowance_nanousd', BIG, server_default='0', nullable=False),
    sa.Column('first_token_ms', BIG, nullable=True),
    sa.Column('duration_ms', BIG, nullable=False),
    sa.Column('started_at', BIG, nullable=False),
    sa.Column('day', BIG, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('attempts', schema=None) as batch_op:
        batch_op.create_index('attempts_of_day', ['day'], unique=False)
        batch_op.create_index('attempts_of_provider', ['provider', 'started_at'], unique=False)
        batch_op.create_index('attempts_of_tenant', ['tenant_id', 'day'], unique=False)
        batch_op.create_index(batch_op.f('ix_attempts_request_id'), ['request_id'], unique=False)
        batch_op.create_index('one_kept_attempt_per_hold', ['hold_id'], unique=True, sqlite_where=sa.text('kept'), postgresql_where=sa.text('kept'))

    op.create_table('conversations',
    sa.Column('id', BIG, nullable=False),
    sa.Column('chat_id', BIG, nullable=False),
    sa.Column('thread_id', BIG, server_default='0', nullable=False),
    sa.Column('created_at', BIG, nullable=False),
    sa.Column('ended_at', BIG, nullable=True),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.create_index('one_open_conversation', ['chat_id', 'thread_id'], unique=True, sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.create_table('idempotency',
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('body_sha256', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('lease_id', sa.String(), nullable=False),
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('status', BIG, server_default='0', nullable=False),
    sa.Column('body', sa.String(), nullable=False),
    sa.Column('headers', sa.String(), nullable=False),
    sa.Column('created_at', BIG, nullable=False),
    sa.PrimaryKeyConstraint('tenant_id', 'key')
    )
    with op.batch_alter_table('idempotency', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_idempotency_created_at'), ['created_at'], unique=False)

    op.create_table('inbox',
    sa.Column('id', BIG, nullable=False),
    sa.Column('bot_id', BIG, nullable=False),
    sa.Column('update_id', BIG, nullable=False),
    sa.Column('chat_key', sa.String(), nullable=False),
    sa.Column('lane', sa.String(), nullable=False),
    sa.Column('payload', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('epoch', BIG, server_default='0', nullable=False),
    sa.Column('lease_id', sa.String(), nullable=True),
    sa.Column('received_at', BIG, nullable=False),
    sa.Column('done_at', BIG, nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('bot_id', 'update_id', name='each_update_once')
    )
    with op.batch_alter_table('inbox', schema=None) as batch_op:
        batch_op.create_index('undone_updates', ['chat_key', 'id'], unique=False, sqlite_where=sa.text("state <> 'done'"), postgresql_where=sa.text("state <> 'done'"))

    op.create_table('incidents',
    sa.Column('id', BIG, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subject', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('opened_at', BIG, nullable=False),
    sa.Column('seen_at', BIG, nullable=False),
    sa.Column('closed_at', BIG, nullable=True),
    sa.Column('muted_until', BIG, server_default='0', nullable=False),
    sa.Column('acknowledged', sa.Boolean(), nullable=False),
    sa.Column('facts', sa.String(), nullable=False),
    sa.Column('sent', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('incidents', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_incidents_state'), ['state'], unique=False)

    op.create_table('leases',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('host', sa.String(), nullable=False),
    sa.Column('pid', BIG, nullable=False),
    sa.Column('process', sa.String(), nullable=False),
    sa.Column('expires_at', BIG, nullable=False),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_table('notices',
    sa.Column('key', sa.String(), nullable=False),
    sa.Column('created_at', BIG, nullable=False),
    sa.PrimaryKeyConstraint('key')
    )
    op.create_table('outbox',
    sa.Column('id', BIG, nullable=False),
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('seq', BIG, nullable=False),
    sa.Column('chat_id', BIG, nullable=False),
    sa.Column('payload', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('lease_id', sa.String(), nullable=False),
    sa.Column('created_at', BIG, nullable=False),
    sa.Column('sent_at', BIG, nullable=True),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('request_id', 'seq', name='each_part_once')
    )
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.create_index('unsent', ['id'], unique=False, sqlite_where=sa.text("state = 'new'"), postgresql_where=sa.text("state = 'new'"))

    op.create_table('providers',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('drained', sa.Boolean(), nullable=False),
    sa.Column('changed_at', BIG, nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('receipts',
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('answered_at', BIG, nullable=False),
    sa.Column('charge_nanousd', BIG, server_default='0', nullable=False),
    sa.Column('allowance_tokens', BIG, server_default='0', nullable=False),
    sa.Column('receipt', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('request_id')
    )
    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.create_index('receipts_of_tenant', ['tenant_id', 'answered_at'], unique=False)

    op.create_table('tenants',
    sa.Column('id', BIG, nullable=False),
    sa.Column('telegram_user_id', BIG, nullable=True),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('username', sa.String(), nullable=False),
    sa.Column('plan', sa.String(), nullable=False),
    sa.Column('next_plan', sa.String(), nullable=True),
    sa.Column('language', sa.String(), nullable=False),
    sa.Column('banned', sa.Boolean(), nullable=False),
    sa.Column('blocked', sa.Boolean(), nullable=False),
    sa.Column('agreed_terms_at', BIG, nullable=True),
    sa.Column('settings', sa.String(), nullable=False),
    sa.Column('created_at', BIG, nullable=False),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('telegram_user_id')
    )
    op.create_table('watermarks',
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('value', sa.String(), nullable=False),
    sa.PrimaryKeyConstraint('name')
    )
    op.create_table('accounts',
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('balance_nanousd', BIG, server_default='0', nullable=False),
    sa.Column('held_nanousd', BIG, server_default='0', nullable=False),
    sa.Column('owed_nanousd', BIG, server_default='0', nullable=False),
    sa.Column('allowance_tokens', BIG, server_default='0', nullable=False),
    sa.Column('allowance_used_tokens', BIG, server_default='0', nullable=False),
    sa.Column('allowance_held_tokens', BIG, server_default='0', nullable=False),
    sa.Column('period_no', BIG, server_default='1', nullable=False),
    sa.Column('period_start_at', BIG, nullable=False),
    sa.Column('period_end_at', BIG, nullable=False),
    sa.CheckConstraint('allowance_used_tokens + allowance_held_tokens <= allowance_tokens', name='holds_within_allowance'),
    sa.CheckConstraint('allowance_used_tokens >= 0 AND allowance_held_tokens >= 0', name='allowance_not_negative'),
    sa.CheckConstraint('balance_nanousd >= 0', name='wallet_not_negative'),
    sa.CheckConstraint('held_nanousd >= 0 AND held_nanousd <= balance_nanousd', name='holds_within_wallet'),
    sa.CheckConstraint('owed_nanousd >= 0', name='debt_not_negative'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('tenant_id')
    )
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_accounts_period_end_at'), ['period_end_at'], unique=False)

    op.create_table('api_keys',
    sa.Column('id', BIG, nullable=False),
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('name', sa.String(), nullable=False),
    sa.Column('prefix', sa.String(), nullable=False),
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('tokens_per_month', BIG, nullable=True),
    sa.Column('month', BIG, server_default='0', nullable=False),
    sa.Column('used_tokens', BIG, server_default='0', nullable=False),
    sa.Column('held_tokens', BIG, server_default='0', nullable=False),
    sa.Column('created_at', BIG, nullable=False),
    sa.Column('last_used_at', BIG, nullable=True),
    sa.Column('revoked_at', BIG, nullable=True),
    sa.CheckConstraint('used_tokens >= 0 AND held_tokens >= 0', name='key_tokens_not_negative'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('sha256')
    )
    with op.batch_alter_table('api_keys', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_api_keys_tenant_id'), ['tenant_id'], unique=False)

    op.create_table('holds',
    sa.Column('id', sa.String(), nullable=False),
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
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('holds', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_holds_request_id'), ['request_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_holds_tenant_id'), ['tenant_id'], unique=False)
        batch_op.create_index('one_capture_per_request', ['request_id'], unique=True, sqlite_where=sa.text("state = 'captured'"), postgresql_where=sa.text("state = 'captured'"))
        batch_op.create_index('open_holds', ['lease_id'], unique=False, sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))

    op.create_table('messages',
    sa.Column('id', BIG, nullable=False),
    sa.Column('conversation_id', BIG, nullable=False),
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('role', sa.String(), nullable=False),
    sa.Column('parts', sa.String(), nullable=False),
    sa.Column('request_id', sa.String(), nullable=False),
    sa.Column('created_at', BIG, nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversations.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_messages_conversation_id'), ['conversation_id'], unique=False)
        batch_op.create_index(batch_op.f('ix_messages_tenant_id'), ['tenant_id'], unique=False)
        batch_op.create_index('one_message_per_request_and_role', ['request_id', 'role'], unique=True)

    op.create_table('orders',
    sa.Column('id', sa.String(), nullable=False),
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('plan', sa.String(), nullable=True),
    sa.Column('stars', BIG, nullable=False),
    sa.Column('usd_nanousd', BIG, nullable=False),
    sa.Column('nanousd_per_star', BIG, nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('created_at', BIG, nullable=False),
    sa.CheckConstraint('stars > 0', name='order_costs_stars'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_orders_tenant_id'), ['tenant_id'], unique=False)

    op.create_table('payments',
    sa.Column('charge_id', sa.String(), nullable=False),
    sa.Column('order_id', sa.String(), nullable=True),
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('stars', BIG, nullable=False),
    sa.Column('credited_nanousd', BIG, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('subscription_until', BIG, nullable=True),
    sa.Column('paid_at', BIG, nullable=False),
    sa.Column('refunded_at', BIG, nullable=True),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('charge_id')
    )
    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_payments_tenant_id'), ['tenant_id'], unique=False)

    op.create_table('subscriptions',
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('charge_id', sa.String(), nullable=False),
    sa.Column('order_id', sa.String(), nullable=False),
    sa.Column('plan', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('until_at', BIG, nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('tenant_id')
    )
    op.create_table('transfers',
    sa.Column('id', BIG, nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('debit', sa.String(), nullable=False),
    sa.Column('credit', sa.String(), nullable=False),
    sa.Column('amount_nanousd', BIG, nullable=False),
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('ref', sa.String(), nullable=False),
    sa.Column('reason', sa.String(), nullable=False),
    sa.Column('created_at', BIG, nullable=False),
    sa.CheckConstraint('amount_nanousd > 0', name='transfer_moves_money'),
    sa.CheckConstraint('debit <> credit', name='transfer_has_two_sides'),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('id'),
    sa.UniqueConstraint('ref')
    )
    with op.batch_alter_table('transfers', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_transfers_tenant_id'), ['tenant_id'], unique=False)
    for statement in guards.up(op.get_bind().dialect.name):
        op.execute(statement)


def downgrade() -> None:
    for statement in guards.down(op.get_bind().dialect.name):
        op.execute(statement)
    with op.batch_alter_table('transfers', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_transfers_tenant_id'))

    op.drop_table('transfers')
    op.drop_table('subscriptions')
    with op.batch_alter_table('payments', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_payments_tenant_id'))

    op.drop_table('payments')
    with op.batch_alter_table('orders', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_orders_tenant_id'))

    op.drop_table('orders')
    with op.batch_alter_table('messages', schema=None) as batch_op:
        batch_op.drop_index('one_message_per_request_and_role')
        batch_op.drop_index(batch_op.f('ix_messages_tenant_id'))
        batch_op.drop_index(batch_op.f('ix_messages_conversation_id'))

    op.drop_table('messages')
    with op.batch_alter_table('holds', schema=None) as batch_op:
        batch_op.drop_index('open_holds', sqlite_where=sa.text("state = 'open'"), postgresql_where=sa.text("state = 'open'"))
        batch_op.drop_index('one_capture_per_request', sqlite_where=sa.text("state = 'captured'"), postgresql_where=sa.text("state = 'captured'"))
        batch_op.drop_index(batch_op.f('ix_holds_tenant_id'))
        batch_op.drop_index(batch_op.f('ix_holds_request_id'))

    op.drop_table('holds')
    with op.batch_alter_table('api_keys', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_api_keys_tenant_id'))

    op.drop_table('api_keys')
    with op.batch_alter_table('accounts', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_accounts_period_end_at'))

    op.drop_table('accounts')
    op.drop_table('watermarks')
    op.drop_table('tenants')
    with op.batch_alter_table('receipts', schema=None) as batch_op:
        batch_op.drop_index('receipts_of_tenant')

    op.drop_table('receipts')
    op.drop_table('providers')
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_index('unsent', sqlite_where=sa.text("state = 'new'"), postgresql_where=sa.text("state = 'new'"))

    op.drop_table('outbox')
    op.drop_table('notices')
    op.drop_table('leases')
    with op.batch_alter_table('incidents', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_incidents_state'))

    op.drop_table('incidents')
    with op.batch_alter_table('inbox', schema=None) as batch_op:
        batch_op.drop_index('undone_updates', sqlite_where=sa.text("state <> 'done'"), postgresql_where=sa.text("state <> 'done'"))

    op.drop_table('inbox')
    with op.batch_alter_table('idempotency', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_idempotency_created_at'))

    op.drop_table('idempotency')
    with op.batch_alter_table('conversations', schema=None) as batch_op:
        batch_op.drop_index('one_open_conversation', sqlite_where=sa.text('ended_at IS NULL'), postgresql_where=sa.text('ended_at IS NULL'))

    op.drop_table('conversations')
    with op.batch_alter_table('attempts', schema=None) as batch_op:
        batch_op.drop_index('one_kept_attempt_per_hold', sqlite_where=sa.text('kept'), postgresql_where=sa.text('kept'))
        batch_op.drop_index(batch_op.f('ix_attempts_request_id'))
        batch_op.drop_index('attempts_of_tenant')
        batch_op.drop_index('attempts_of_provider')
        batch_op.drop_index('attempts_of_day')

    op.drop_table('attempts')
