"""the operator who drained a provider
"""

from alembic import op
import sqlalchemy as sa

revision = '0015'
down_revision = '0014'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('providers', sa.Column('changed_by', sa.String(), nullable=False, server_default=''))


def downgrade() -> None:
    op.drop_column('providers', 'changed_by')
