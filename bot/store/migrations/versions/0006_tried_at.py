"""When a message was first tried: from then on it may stand in the channel, and so long it has been refused

A replica of the release before may still run on this schema: add first, take away a release later.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("outbox", sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("the way back is the copy that was made before: mxcutover restore")
