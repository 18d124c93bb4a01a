"""expiry, rate and models of an API key"""

from alembic import op
import sqlalchemy as sa

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column('api_keys', sa.Column('expires_at', BIG, nullable=True))
    op.add_column('api_keys', sa.Column('requests_per_minute', BIG, nullable=True))
    op.add_column('api_keys', sa.Column('models', sa.String(), nullable=True))


def downgrade() -> None:
    for column in ('models', 'requests_per_minute', 'expires_at'):
        op.drop_column('api_keys', column)
