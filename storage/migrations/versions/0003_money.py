"""the payment of a plan period, subscriptions, codes, admission, broadcasts"""

from alembic import op
import sqlalchemy as sa

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
RUNNING = sa.text("state IN ('active', 'canceled', 'failed')")
ENDING = sa.text("state = 'ending'")

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('orders', sa.Column('price_nanousd', BIG, nullable=True))
    op.add_column('payments', sa.Column('seen_at', BIG, nullable=True))
    op.add_column('payments', sa.Column('refund_seen_at', BIG, nullable=True))
    op.create_index('ix_payments_paid_at', 'payments', ['paid_at'])
    op.add_column('tenants', sa.Column('access', sa.String(), server_default='in', nullable=False))
    op.add_column('tenants', sa.Column('agreed_terms', sa.String(), server_default='', nullable=False))
    op.create_index('ix_tenants_created_at', 'tenants', ['created_at'])
    op.add_column('accounts', sa.Column('period_ref', sa.String(), server_default='', nullable=False))
    op.execute(
        "UPDATE accounts SET period_ref = COALESCE((SELECT t.ref FROM transfers t"
        " WHERE t.tenant_id = accounts.tenant_id AND t.kind = 'plan' AND t.created_at >= accounts.period_start_at"
        " ORDER BY t.id DESC LIMIT 1), '')"
    )
    op.execute("CREATE TABLE subscriptions_kept AS SELECT * FROM subscriptions")
    op.drop_table('subscriptions')
    op.create_table('subscriptions',
    sa.Column('order_id', sa.String(), nullable=False),
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('plan', sa.String(), nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('by_us', sa.Boolean(), nullable=False),
    sa.Column('first_charge_id', sa.String(), nullable=False),
    sa.Column('charge_id', sa.String(), nullable=False),
    sa.Column('until_at', BIG, nullable=False),
    sa.CheckConstraint(
        "state IN ('active', 'canceled', 'failed', 'ending', 'ended')", name='subscription_state'
    ),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('order_id')
    )
    op.create_index('ix_subscriptions_tenant_id', 'subscriptions', ['tenant_id'])
    op.create_index(
        'one_running_subscription', 'subscriptions', ['tenant_id'], unique=True,
        sqlite_where=RUNNING, postgresql_where=RUNNING,
    )
    op.create_index(
        'ending_subscriptions', 'subscriptions', ['order_id'], sqlite_where=ENDING, postgresql_where=ENDING
    )
    op.execute(
        "INSERT INTO subscriptions (order_id, tenant_id, plan, state, by_us, first_charge_id, charge_id, until_at)"
        " SELECT order_id, tenant_id, plan, CASE WHEN state IN ('canceled', 'failed') THEN state ELSE 'active' END,"
        " state = 'canceled', charge_id, charge_id, until_at FROM subscriptions_kept"
    )
    op.execute("DROP TABLE subscriptions_kept")
    op.create_table('codes',
    sa.Column('sha256', sa.String(), nullable=False),
    sa.Column('kind', sa.String(), nullable=False),
    sa.Column('nanousd', BIG, server_default='0', nullable=False),
    sa.Column('made_by', BIG, nullable=False),
    sa.Column('made_at', BIG, nullable=False),
    sa.Column('used_by', BIG, nullable=True),
    sa.Column('used_at', BIG, nullable=True),
    sa.CheckConstraint('nanousd >= 0', name='code_not_negative'),
    sa.ForeignKeyConstraint(['used_by'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('sha256')
    )
    op.create_table('code_tries',
    sa.Column('id', BIG, nullable=False),
    sa.Column('tenant_id', BIG, nullable=False),
    sa.Column('tried_at', BIG, nullable=False),
    sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id'], ),
    sa.PrimaryKeyConstraint('id')
    )
    op.create_index('tries_of_tenant', 'code_tries', ['tenant_id', 'tried_at'])
    op.create_table('broadcasts',
    sa.Column('id', BIG, nullable=False),
    sa.Column('text', sa.String(), nullable=False),
    sa.Column('made_by', BIG, nullable=False),
    sa.Column('state', sa.String(), nullable=False),
    sa.Column('after_id', BIG, server_default='0', nullable=False),
    sa.Column('sent', BIG, server_default='0', nullable=False),
    sa.Column('missed', BIG, server_default='0', nullable=False),
    sa.Column('made_at', BIG, nullable=False),
    sa.CheckConstraint("state IN ('draft', 'sending', 'done', 'dropped')", name='broadcast_state'),
    sa.PrimaryKeyConstraint('id')
    )


def downgrade() -> None:
    op.drop_table('broadcasts')
    op.drop_index('tries_of_tenant', 'code_tries')
    op.drop_table('code_tries')
    op.drop_table('codes')
    op.execute(
        "CREATE TABLE subscriptions_kept AS SELECT tenant_id, charge_id, order_id, plan, state, until_at"
        " FROM subscriptions WHERE state IN ('active', 'canceled', 'failed')"
    )
    op.drop_index('ending_subscriptions', 'subscriptions')
    op.drop_index('one_running_subscription', 'subscriptions')
    op.drop_index('ix_subscriptions_tenant_id', 'subscriptions')
    op.drop_table('subscriptions')
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
    op.execute(
        "INSERT INTO subscriptions (tenant_id, charge_id, order_id, plan, state, until_at)"
        " SELECT tenant_id, charge_id, order_id, plan, state, until_at FROM subscriptions_kept"
    )
    op.execute("DROP TABLE subscriptions_kept")
    op.drop_column('accounts', 'period_ref')
    op.drop_index('ix_tenants_created_at', 'tenants')
    op.drop_column('tenants', 'agreed_terms')
    op.drop_column('tenants', 'access')
    op.drop_index('ix_payments_paid_at', 'payments')
    op.drop_column('payments', 'refund_seen_at')
    op.drop_column('payments', 'seen_at')
    op.drop_column('orders', 'price_nanousd')
