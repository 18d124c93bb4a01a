"""notices to tenants that wait for delivery
"""

from alembic import op
import sqlalchemy as sa


revision = '0025'
down_revision = '0026'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('tenant_notices',
        sa.Column('id', BIG, nullable=False),
        sa.Column('user_id', BIG, nullable=False),
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('message_values', sa.String(), nullable=False),
        sa.Column('buttons', sa.String(), nullable=False),
        sa.Column('tries', BIG, server_default='0', nullable=False),
        sa.Column('next_at', BIG, server_default='0', nullable=False),
        sa.Column('made_at', BIG, nullable=False),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_tenant_notices_next_at'), 'tenant_notices', ['next_at'], unique=False)
    op.create_index(op.f('ix_tenant_notices_user_id'), 'tenant_notices', ['user_id'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_tenant_notices_user_id'), 'tenant_notices')
    op.drop_index(op.f('ix_tenant_notices_next_at'), 'tenant_notices')
    op.drop_table('tenant_notices')
