"""the days for which a tenant's texts are kept
"""

from alembic import op
import sqlalchemy as sa

from storage.tables.columns import Big

revision = '0022'
down_revision = '0023'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('tenants', sa.Column('keep_days', Big, nullable=True))


def downgrade() -> None:
    op.drop_column('tenants', 'keep_days')
