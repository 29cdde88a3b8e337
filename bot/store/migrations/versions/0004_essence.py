"""What an observation says apart from when, so that a long watch is read again by its changes alone

A replica of the release before may still run on this schema: add first, take away a release later.
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("observations", sa.Column("essence", sa.String(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("the way back is the copy that was made before: mxcutover restore")
