"""usage whose parts and total disagree

PostgreSQL adds the column without rewriting the table.
"""

from alembic import op
import sqlalchemy as sa

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('attempts', sa.Column('disputed', sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_index('disputed_attempts', 'attempts', ['started_at'], unique=False,
                    sqlite_where=sa.text('disputed'), postgresql_where=sa.text('disputed'))


def downgrade() -> None:
    op.drop_index('disputed_attempts', table_name='attempts')
    op.drop_column('attempts', 'disputed')
