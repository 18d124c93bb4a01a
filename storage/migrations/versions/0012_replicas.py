"""tables that replicas share; Procrastinate's own on PostgreSQL
"""

from alembic import op
import sqlalchemy as sa

from storage.tables.columns import Big

revision = '0012'
down_revision = '0011'
branch_labels = None
depends_on = None

DROP_PROCRASTINATE = """
DO $$ DECLARE each record; BEGIN
  DROP TABLE procrastinate_events, procrastinate_periodic_defers, procrastinate_jobs, procrastinate_workers CASCADE;
  FOR each IN SELECT p.oid::regprocedure AS name FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
              WHERE n.nspname = current_schema() AND p.proname LIKE 'procrastinate\\_%' LOOP
    EXECUTE 'DROP FUNCTION ' || each.name || ' CASCADE';
  END LOOP;
  DROP TYPE procrastinate_job_to_defer_v1, procrastinate_job_event_type, procrastinate_job_status CASCADE;
END $$
"""


def upgrade() -> None:
    op.create_table('shared_facts',
        sa.Column('id', Big, primary_key=True),
        sa.Column('lease_id', sa.String(), nullable=False),
        sa.Column('payload', sa.String(), nullable=False),
        sa.Column('at', Big, nullable=False))
    op.create_index('facts_by_age', 'shared_facts', ['at'], unique=False)
    op.create_table('leaders',
        sa.Column('name', sa.String(), primary_key=True),
        sa.Column('lease_id', sa.String(), nullable=False),
        sa.Column('epoch', Big, nullable=False, server_default='1'))
    op.create_table('job_runs',
        sa.Column('name', sa.String(), primary_key=True),
        sa.Column('due_at', Big, nullable=False),
        sa.Column('started_at', Big, nullable=False),
        sa.Column('finished_at', Big, nullable=True),
        sa.Column('lateness_ms', Big, nullable=False, server_default='0'),
        sa.Column('duration_ms', Big, nullable=False, server_default='0'),
        sa.Column('runs', Big, nullable=False, server_default='0'),
        sa.Column('failures', Big, nullable=False, server_default='0'),
        sa.Column('error', sa.String(), nullable=False))
    op.create_table('request_windows',
        sa.Column('kind', sa.String(), nullable=False),
        sa.Column('subject', Big, nullable=False),
        sa.Column('times', sa.ARRAY(sa.BigInteger()).with_variant(sa.Text(), 'sqlite'), nullable=False),
        sa.PrimaryKeyConstraint('kind', 'subject'))
    if op.get_bind().dialect.name == 'postgresql':
        from procrastinate.schema import SchemaManager  # of the pinned version 3.10.0

        op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace('%', '%%'))


def downgrade() -> None:
    if op.get_bind().dialect.name == 'postgresql':
        op.execute(DROP_PROCRASTINATE)
    for name in ('request_windows', 'job_runs', 'leaders'):
        op.drop_table(name)
    op.drop_index('facts_by_age', table_name='shared_facts')
    op.drop_table('shared_facts')
