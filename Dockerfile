# syntax=docker/dockerfile:1
# Two stages: the first resolves the lock into /app/.venv, the second has no build tool left in it.
FROM python:3.12-slim-bookworm AS build
WORKDIR /app
RUN python -m pip install --no-cache-dir --disable-pip-version-check --root-user-action=ignore uv==0.13.9
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never UV_NO_CACHE=1
COPY pyproject.toml uv.lock README.md ./
RUN uv sync --locked --no-dev --extra postgres --extra semantic --no-install-project
COPY manifest.yml ./
COPY bot ./bot
RUN uv sync --locked --no-dev --extra postgres --extra semantic --no-editable

FROM python:3.12-slim-bookworm
# The font of the pictures: without one they are sent as SVG.
RUN apt-get update -q && apt-get install -q -y --no-install-recommends fonts-noto-cjk \
    && rm -rf /var/lib/apt/lists/*
RUN useradd --system --uid 10001 --home-dir /data --shell /usr/sbin/nologin mxcutover \
    && install -d -o mxcutover -g mxcutover /data
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 MXCUTOVER_DATA=/data MXCUTOVER_HOST=0.0.0.0 MXCUTOVER_PORT=3000
USER mxcutover
WORKDIR /data
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s --retries=3 CMD ["mxcutover", "healthcheck"]
CMD ["mxcutover", "run"]
