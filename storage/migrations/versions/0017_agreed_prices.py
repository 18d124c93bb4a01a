"""the price that an asker has agreed to, and the output limit of a shorter answer
"""

from alembic import op
import sqlalchemy as sa

from storage.tables.columns import Big

revision = '0017'
down_revision = '0016'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('questions', sa.Column('agreed_nanousd', Big, nullable=False, server_default='0'))
    op.add_column('questions', sa.Column('output_tokens', Big, nullable=False, server_default='0'))


def downgrade() -> None:
    op.drop_column('questions', 'output_tokens')
    op.drop_column('questions', 'agreed_nanousd')
