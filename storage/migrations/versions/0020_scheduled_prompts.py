"""scheduled prompts, and the questions that are runs of them
"""

from alembic import op
import sqlalchemy as sa

from storage.tables.columns import Big

revision = '0020'
down_revision = '0022'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('scheduled_prompts',
        sa.Column('id', Big, autoincrement=False, nullable=False),
        sa.Column('tenant_id', Big, nullable=False),
        sa.Column('bot_id', Big, nullable=False),
        sa.Column('chat_id', Big, nullable=False),
        sa.Column('thread_id', Big, nullable=False, server_default='0'),
        sa.Column('rule', sa.String(), nullable=False),
        sa.Column('prompt', sa.String(), nullable=False),
        sa.Column('state', sa.String(), nullable=False),
        sa.Column('paused_for', sa.String(), nullable=False),
        sa.Column('next_at', Big, nullable=False),
        sa.Column('skips', Big, nullable=False, server_default='0'),
        sa.Column('runs', Big, nullable=False, server_default='0'),
        sa.Column('run_update_id', Big, nullable=True),
        sa.Column('settled_update_id', Big, nullable=True),
        sa.Column('created_at', Big, nullable=False),
        sa.CheckConstraint("state IN ('draft', 'active', 'paused')", name='schedule_state'),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_scheduled_prompts_tenant_id'), 'scheduled_prompts', ['tenant_id'], unique=False)
    op.create_index('due_prompts', 'scheduled_prompts', ['bot_id', 'next_at'], unique=False,
        sqlite_where=sa.text("state = 'active'"), postgresql_where=sa.text("state = 'active'"))
    op.add_column('questions', sa.Column('schedule_id', Big, nullable=False, server_default='0'))


def downgrade() -> None:
    op.drop_column('questions', 'schedule_id')
    op.drop_index('due_prompts', 'scheduled_prompts')
    op.drop_index(op.f('ix_scheduled_prompts_tenant_id'), 'scheduled_prompts')
    op.drop_table('scheduled_prompts')
