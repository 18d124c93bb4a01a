"""a record for each question asked in Telegram"""

from alembic import op
import sqlalchemy as sa

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'questions',
        sa.Column('id', BIG, nullable=False),
        sa.Column('bot_id', BIG, nullable=False),
        sa.Column('update_id', BIG, nullable=True),
        sa.Column('tenant_id', BIG, nullable=False),
        sa.Column('chat_id', BIG, nullable=False),
        sa.Column('thread_id', BIG, server_default='0', nullable=False),
        sa.Column('message_id', BIG, nullable=True),
        sa.Column('more_message_ids', sa.String(), nullable=False),
        sa.Column('conversation_id', BIG, nullable=False),
        sa.Column('content', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('model', sa.String(), nullable=False),
        sa.Column('variant', sa.String(), nullable=False),
        sa.Column('error', sa.String(), nullable=False),
        sa.Column('request_id', sa.String(), nullable=True),
        sa.Column('answer_request_id', sa.String(), nullable=True),
        sa.Column('answer_message_ids', sa.String(), nullable=False),
        sa.Column('answers', BIG, server_default='0', nullable=False),
        sa.Column('created_at', BIG, nullable=False),
        sa.Column('changed_at', BIG, nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    where = sa.text('update_id IS NOT NULL')
    op.create_index('one_question_per_update', 'questions', ['bot_id', 'update_id'], unique=True,
                    sqlite_where=where, postgresql_where=where)
    op.create_index('questions_of_message', 'questions', ['bot_id', 'chat_id', 'message_id'])
    op.create_index('questions_of_tenant', 'questions', ['tenant_id', 'chat_id', 'thread_id', 'id'])
    op.create_index('questions_of_conversation', 'questions', ['conversation_id'])
    op.create_index('questions_by_answer', 'questions', ['answer_request_id'])
    op.create_index(op.f('ix_questions_created_at'), 'questions', ['created_at'])


def downgrade() -> None:
    op.drop_table('questions')
