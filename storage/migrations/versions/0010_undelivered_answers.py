"""answers that can't be delivered: who asked, whether part was shown, and charges given back"""

from alembic import op
import sqlalchemy as sa

from storage.tables.columns import Big

revision = '0010'
down_revision = '0009'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'returned_charges',
        sa.Column('request_id', sa.String(), primary_key=True),
        sa.Column('tenant_id', Big, sa.ForeignKey('tenants.id'), nullable=False),
        sa.Column('period_no', Big, nullable=False),
        sa.Column('charge_nanousd', Big, nullable=False),
        sa.Column('allowance_tokens', Big, nullable=False),
        sa.Column('returned_at', Big, nullable=False),
    )
    op.create_index('returns_of_tenant', 'returned_charges', ['tenant_id', 'period_no'])
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.add_column(sa.Column('user_id', Big, nullable=True))
        batch_op.add_column(sa.Column('shown', sa.Boolean(), nullable=False, server_default=sa.false()))
    where = sa.text("state = 'held'")
    op.create_index('held_answers', 'outbox', ['user_id'], sqlite_where=where, postgresql_where=where)


def downgrade() -> None:
    op.drop_index('held_answers', table_name='outbox')
    with op.batch_alter_table('outbox', schema=None) as batch_op:
        batch_op.drop_column('shown')
        batch_op.drop_column('user_id')
    op.drop_table('returned_charges')
