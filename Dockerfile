FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
WORKDIR /farthing

COPY requirements/runtime.txt requirements/
RUN pip install --no-cache-dir --require-hashes --only-binary :all: -r requirements/runtime.txt

COPY . .
RUN useradd --create-home farthing && mkdir -p /data/backups && chown -R farthing /data && ln -s /data/backups backups
USER farthing

# The books and their backups live in the volume; inside a container the port must be reachable from outside.
ENV HOST=0.0.0.0 DATABASE_URL=sqlite:////data/farthing.db
VOLUME /data
EXPOSE 8080
STOPSIGNAL SIGTERM
CMD ["python", "-m", "main"]
