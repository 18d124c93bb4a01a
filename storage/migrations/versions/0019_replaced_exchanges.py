"""the exchange that an answer replaced, for the case that the answer can't be delivered
"""

from alembic import op
import sqlalchemy as sa

revision = '0019'
down_revision = '0018'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('questions', sa.Column('replaced', sa.String(), nullable=False, server_default=''))


def downgrade() -> None:
    op.drop_column('questions', 'replaced')
