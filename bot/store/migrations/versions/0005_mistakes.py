"""How often making a message failed by a mistake of the program, apart from what Slack refused

A replica of the release before may still run on this schema: add first, take away a release later.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("mistakes", sa.Integer(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("the way back is the copy that was made before: mxcutover restore")
