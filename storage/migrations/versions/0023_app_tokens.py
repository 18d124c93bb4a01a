"""one-time links to the Mini App in a browser, and the sessions that they begin
"""

from alembic import op
import sqlalchemy as sa

from storage.tables.columns import Big

revision = '0023'
down_revision = '0017'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('app_tokens',
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('tenant_id', Big, nullable=False),
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('made_at', Big, nullable=False),
        sa.Column('expires_at', Big, nullable=False),
        sa.CheckConstraint("kind IN ('link', 'session')", name='app_token_kind'),
        sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id']),
        sa.PrimaryKeyConstraint('sha256')
    )
    op.create_index(op.f('ix_app_tokens_tenant_id'), 'app_tokens', ['tenant_id'], unique=False)
    op.create_index(op.f('ix_app_tokens_expires_at'), 'app_tokens', ['expires_at'], unique=False)


def downgrade() -> None:
    op.drop_index(op.f('ix_app_tokens_expires_at'), 'app_tokens')
    op.drop_index(op.f('ix_app_tokens_tenant_id'), 'app_tokens')
    op.drop_table('app_tokens')
