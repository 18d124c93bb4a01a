"""messages of incidents by admin, and notices that wait for delivery

The messages of open and recent incidents move from `incidents.sent` and `facts.replies` to a table of their own.
"""

import json

from alembic import op
import sqlalchemy as sa

revision = '0014'
down_revision = '0012'
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), 'sqlite')


def upgrade() -> None:
    op.create_table('alert_messages',
        sa.Column('incident_id', BIG, nullable=False),
        sa.Column('admin', BIG, nullable=False),
        sa.Column('message', BIG, nullable=True),
        sa.Column('shown', sa.String(), nullable=False),
        sa.Column('reply', BIG, nullable=True),
        sa.Column('reply_shown', sa.String(), nullable=False),
        sa.Column('is_lost', sa.Boolean(), nullable=False),
        sa.Column('tries', BIG, server_default='0', nullable=False),
        sa.Column('next_at', BIG, server_default='0', nullable=False),
        sa.PrimaryKeyConstraint('incident_id', 'admin')
    )
    op.create_table('admin_notices',
        sa.Column('id', BIG, nullable=False),
        sa.Column('key', sa.String(), nullable=False),
        sa.Column('message_values', sa.String(), nullable=False),
        sa.Column('told', sa.String(), nullable=False),
        sa.Column('tries', BIG, server_default='0', nullable=False),
        sa.Column('next_at', BIG, server_default='0', nullable=False),
        sa.Column('made_at', BIG, nullable=False),
        sa.PrimaryKeyConstraint('id')
    )
    op.create_index(op.f('ix_admin_notices_next_at'), 'admin_notices', ['next_at'], unique=False)
    _move_messages()
    op.drop_column('incidents', 'sent')


def _move_messages() -> None:
    """Keep the messages as they are: `shown` is empty, so each is edited once to its present text."""
    bind = op.get_bind()
    for incident, facts, sent in bind.execute(sa.text("SELECT id, facts, sent FROM incidents")).all():
        replies = dict(json.loads(facts).get('replies', []))
        for admin, message in json.loads(sent):
            bind.execute(
                sa.text("INSERT INTO alert_messages (incident_id, admin, message, shown, reply, reply_shown, is_lost,"
                        " tries, next_at) VALUES (:incident, :admin, :message, '', :reply, '', :no, 0, 0)"),
                {'incident': incident, 'admin': admin, 'message': message, 'reply': replies.get(admin), 'no': False},
            )


def downgrade() -> None:
    op.add_column('incidents', sa.Column('sent', sa.String(), server_default='[]', nullable=False))
    op.drop_index(op.f('ix_admin_notices_next_at'), 'admin_notices')
    op.drop_table('admin_notices')
    op.drop_table('alert_messages')
