"""the part of a member's share that was used over API keys
"""

import sqlalchemy as sa
from alembic import op

from storage.tables.columns import Big


revision = '0026'
down_revision = '0024'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('member_shares', sa.Column('api_worth_nanousd', Big, nullable=False, server_default='0'))


def downgrade() -> None:
    with op.batch_alter_table('member_shares') as table:
        table.drop_column('api_worth_nanousd')
