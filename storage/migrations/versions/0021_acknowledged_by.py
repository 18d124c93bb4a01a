"""the operator who has acknowledged an incident
"""

from alembic import op
import sqlalchemy as sa

revision = '0021'
down_revision = '0020'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('incidents', sa.Column('acknowledged_by', sa.String(), nullable=False, server_default=''))


def downgrade() -> None:
    op.drop_column('incidents', 'acknowledged_by')
