"""the log of operators' actions, and the tenants that a broadcast missed
"""

from alembic import op
import sqlalchemy as sa

from storage.tables.columns import Big

revision = '0016'
down_revision = '0015'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('operator_actions',
        sa.Column('id', Big, nullable=False),
        sa.Column('at', Big, nullable=False),
        sa.Column('by_user', Big, nullable=False),
        sa.Column('by_name', sa.String(), nullable=False),
        sa.Column('action', sa.String(), nullable=False),
        sa.Column('tenant_id', Big, nullable=True),
        sa.Column('detail', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_operator_actions_tenant_id'), 'operator_actions', ['tenant_id'], unique=False)
    op.add_column('broadcasts', sa.Column('missed_ids', sa.String(), nullable=False, server_default='[]'))


def downgrade() -> None:
    op.drop_column('broadcasts', 'missed_ids')
    op.drop_index(op.f('ix_operator_actions_tenant_id'), 'operator_actions')
    op.drop_table('operator_actions')
