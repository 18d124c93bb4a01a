"""teams with members, and members' shares that are counted where a hold is taken
"""

from alembic import op
import sqlalchemy as sa

from storage.tables.columns import Big

revision = '0018'
down_revision = '0021'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        'teams',
        sa.Column('wallet_id', Big, nullable=False),
        sa.Column('owner_id', Big, nullable=False),
        sa.Column('created_at', Big, nullable=False),
        sa.Column('dissolved_at', Big, nullable=True),
        sa.ForeignKeyConstraint(['wallet_id'], ['tenants.id']),
        sa.ForeignKeyConstraint(['owner_id'], ['tenants.id']),
        sa.PrimaryKeyConstraint('wallet_id'),
    )
    op.create_index(op.f('ix_teams_owner_id'), 'teams', ['owner_id'], unique=False)
    op.create_table(
        'team_members',
        sa.Column('wallet_id', Big, nullable=False),
        sa.Column('tenant_id', Big, nullable=False),
        sa.Column('limit_nanousd', Big, nullable=True),
        sa.Column('paused', sa.Boolean(), nullable=False),
        sa.Column('own_after', sa.Boolean(), nullable=False),
        sa.Column('joined_at', Big, nullable=False),
        sa.Column('left_at', Big, nullable=True),
        sa.CheckConstraint('limit_nanousd >= 0', name='team_limit_not_negative'),
        sa.ForeignKeyConstraint(['wallet_id'], ['teams.wallet_id']),
        sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id']),
        sa.PrimaryKeyConstraint('wallet_id', 'tenant_id'),
    )
    op.create_index(
        'one_team_a_person',
        'team_members',
        ['tenant_id'],
        unique=True,
        sqlite_where=sa.text('left_at IS NULL'),
        postgresql_where=sa.text('left_at IS NULL'),
    )
    op.create_table(
        'team_invitations',
        sa.Column('sha256', sa.String(), nullable=False),
        sa.Column('wallet_id', Big, nullable=False),
        sa.Column('limit_nanousd', Big, nullable=True),
        sa.Column('expires_at', Big, nullable=False),
        sa.Column('used_by', Big, nullable=True),
        sa.Column('used_at', Big, nullable=True),
        sa.ForeignKeyConstraint(['wallet_id'], ['teams.wallet_id']),
        sa.ForeignKeyConstraint(['used_by'], ['tenants.id']),
        sa.PrimaryKeyConstraint('sha256'),
    )
    op.create_index(op.f('ix_team_invitations_wallet_id'), 'team_invitations', ['wallet_id'], unique=False)
    op.create_table(
        'member_shares',
        sa.Column('wallet_id', Big, nullable=False),
        sa.Column('tenant_id', Big, nullable=False),
        sa.Column('day', Big, nullable=False),
        sa.Column('charge_nanousd', Big, server_default='0', nullable=False),
        sa.Column('allowance_tokens', Big, server_default='0', nullable=False),
        sa.Column('worth_nanousd', Big, server_default='0', nullable=False),
        sa.Column('held_nanousd', Big, server_default='0', nullable=False),
        sa.Column('answers', Big, server_default='0', nullable=False),
        sa.CheckConstraint('held_nanousd >= 0', name='held_share_not_negative'),
        sa.ForeignKeyConstraint(['wallet_id'], ['tenants.id']),
        sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id']),
        sa.PrimaryKeyConstraint('wallet_id', 'tenant_id', 'day'),
    )
    op.create_index(op.f('ix_member_shares_tenant_id'), 'member_shares', ['tenant_id'], unique=False)
    op.execute(
        'INSERT INTO member_shares (wallet_id, tenant_id, day, charge_nanousd, worth_nanousd, answers)'
        ' SELECT wallet_id, tenant_id, day, charge_nanousd, charge_nanousd, answers FROM group_shares'
    )
    op.drop_index(op.f('ix_group_shares_tenant_id'), 'group_shares')
    op.drop_table('group_shares')
    op.add_column('holds', sa.Column('member_id', Big, nullable=True))
    op.add_column('holds', sa.Column('share_day', Big, nullable=False, server_default='0'))
    op.add_column('holds', sa.Column('share_nanousd', Big, nullable=False, server_default='0'))
    op.add_column('orders', sa.Column('payer_id', Big, nullable=True))
    op.add_column('payments', sa.Column('payer_id', Big, nullable=True))


def downgrade() -> None:
    op.drop_column('payments', 'payer_id')
    op.drop_column('orders', 'payer_id')
    op.drop_column('holds', 'share_nanousd')
    op.drop_column('holds', 'share_day')
    op.drop_column('holds', 'member_id')
    op.create_table(
        'group_shares',
        sa.Column('wallet_id', Big, nullable=False),
        sa.Column('tenant_id', Big, nullable=False),
        sa.Column('day', Big, nullable=False),
        sa.Column('charge_nanousd', Big, server_default='0', nullable=False),
        sa.Column('answers', Big, server_default='0', nullable=False),
        sa.ForeignKeyConstraint(['wallet_id'], ['tenants.id']),
        sa.ForeignKeyConstraint(['tenant_id'], ['tenants.id']),
        sa.PrimaryKeyConstraint('wallet_id', 'tenant_id', 'day'),
    )
    op.create_index(op.f('ix_group_shares_tenant_id'), 'group_shares', ['tenant_id'], unique=False)
    op.execute(
        'INSERT INTO group_shares (wallet_id, tenant_id, day, charge_nanousd, answers)'
        ' SELECT wallet_id, tenant_id, day, charge_nanousd, answers FROM member_shares'
        ' WHERE wallet_id IN (SELECT wallet_id FROM groups)'
    )
    op.drop_index(op.f('ix_member_shares_tenant_id'), 'member_shares')
    op.drop_table('member_shares')
    op.drop_index(op.f('ix_team_invitations_wallet_id'), 'team_invitations')
    op.drop_table('team_invitations')
    op.drop_index('one_team_a_person', 'team_members')
    op.drop_table('team_members')
    op.drop_index(op.f('ix_teams_owner_id'), 'teams')
    op.drop_table('teams')
