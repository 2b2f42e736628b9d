FROM python:3.11-slim AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/presence \
 && /opt/presence/bin/pip install --no-cache-dir --require-hashes -r requirements/run.txt \
 && /opt/presence/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home /data presence && install -d -o presence /data /data/files
COPY --from=build /opt/presence /opt/presence
ENV PATH=/opt/presence/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PRESENCE_SERVER__HOST=0.0.0.0 \
    PRESENCE_DATABASE__URL=sqlite:////data/presence.db
USER presence
WORKDIR /data
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s \
  CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["presence", "serve"]
