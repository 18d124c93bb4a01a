"""titles, summaries and personas of conversations
"""

from alembic import op
import sqlalchemy as sa

from storage.tables.columns import Big

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

ADDED = ('title', 'summary', 'persona')


def upgrade() -> None:
    for name in ADDED:
        op.add_column('conversations', sa.Column(name, sa.String(), server_default='', nullable=False))
    op.add_column('conversations', sa.Column('summarised_id', Big, server_default='0', nullable=False))
    op.create_table(
        'personas',
        sa.Column('id', Big, nullable=False),
        sa.Column('tenant_id', Big, nullable=False),
        sa.Column('name', sa.String(), nullable=False),
        sa.Column('prompt', sa.String(), nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index(op.f('ix_personas_tenant_id'), 'personas', ['tenant_id'])


def downgrade() -> None:
    op.drop_table('personas')
    for name in ('summarised_id', *ADDED):
        op.drop_column('conversations', name)
