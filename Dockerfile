# The service: `docker build -t elocute .`, then see docs/service.md for how to run it.
FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE NOTICE ./
COPY src src
RUN python -m venv /opt/elocute && /opt/elocute/bin/pip install --no-cache-dir ".[serve]"

FROM python:3.11-slim-bookworm
COPY --from=build /opt/elocute /opt/elocute
ENV PATH=/opt/elocute/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
# Nobody: no home, no shell, nothing it owns. It writes no files, so the root may be read-only.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/readyz', timeout=3)"]
ENTRYPOINT ["elocute", "serve", "--host", "0.0.0.0"]
