"""wallets of groups, and the shares of their members
"""

from alembic import op
import sqlalchemy as sa

from storage.tables.columns import Big

revision = '0011'
down_revision = '0010'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'groups',
        sa.Column('chat_id', Big, nullable=False),
        sa.Column('wallet_id', Big, nullable=False),
        sa.Column('title', sa.String(), nullable=False),
        sa.Column('day_cap_nanousd', Big, server_default='0', nullable=False),
        sa.Column('created_at', Big, nullable=False),
        sa.ForeignKeyConstraint(['wallet_id'], ['tenants.id']),
        sa.PrimaryKeyConstraint('chat_id'),
        sa.UniqueConstraint('wallet_id'),
    )
    op.create_table(
        'group_shares',
        sa.Column('wallet_id', Big, nullable=False),
        sa.Column('tenant_id', Big, nullable=False),
        sa.Column('day', Big, nullable=False),
        sa.Column('charge_nanousd', Big, server_default='0', nullable=False),
        sa.Column('answers', Big, server_default='0', nullable=False),
        sa.ForeignKeyConstraint(['wallet_id'], ['tenants.id']),
        sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id']),
        sa.PrimaryKeyConstraint('wallet_id', 'tenant_id', 'day'),
    )
    op.create_index(op.f('ix_group_shares_tenant_id'), 'group_shares', ['tenant_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_group_shares_tenant_id'), 'group_shares')
    op.drop_table('group_shares')
    op.drop_table('groups')
