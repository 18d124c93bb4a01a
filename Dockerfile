FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /farthing

COPY requirements/runtime.txt requirements/
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/runtime.txt

COPY . .
RUN useradd --create-home farthing && mkdir -p /data/backups && chown -R farthing /data && ln -s /data/backups backups
USER farthing

# Mount a volume at /data: the books and their backups are in it. VOLUME is left out, because Railway refuses it.
# Inside a container the port must be reachable from outside.
ENV HOST=0.0.0.0 DATABASE_URL=sqlite:////data/farthing.db
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen(f'http://127.0.0.1:{os.environ.get(\"PORT\", 8080)}/health', timeout=4)"]
CMD ["python", "-m", "main"]
