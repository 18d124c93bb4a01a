"""answers of /v1/responses, kept for later turns"""

from alembic import op
import sqlalchemy as sa

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'stored_responses',
        sa.Column('id', sa.String(), nullable=False),
        sa.Column('tenant_id', BIG, nullable=False),
        sa.Column('previous_id', sa.String(), nullable=True),
        sa.Column('input', sa.String(), nullable=False),
        sa.Column('output', sa.String(), nullable=False),
        sa.Column('body', sa.String(), nullable=False),
        sa.Column('created_at', BIG, nullable=False),
        sa.PrimaryKeyConstraint('id'),
    )
    op.create_index('stored_responses_of_tenant', 'stored_responses', ['tenant_id', 'created_at'])
    op.create_index(op.f('ix_stored_responses_created_at'), 'stored_responses', ['created_at'])


def downgrade() -> None:
    op.drop_table('stored_responses')
