"""an index of the conversations of a chat
"""

from alembic import op


revision = '0024'
down_revision = '0019'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index('conversations_of_chat', 'conversations', ['chat_id'], unique=False)


def downgrade() -> None:
    op.drop_index('conversations_of_chat', 'conversations')
