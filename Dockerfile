# The server in a container: as a user without rights, and it needs no writable file system but /data and /tmp.
#
#   docker build -t newsqa .
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL --security-opt no-new-privileges \
#     -p 127.0.0.1:7860:7860 -v newsqa:/data -e NEWSQA_TOKEN=... newsqa
FROM python:3.11-slim AS build
WORKDIR /src
RUN python -m venv /opt/newsqa
# First what changes seldom: the small build of torch, in the version that the constraints name.
COPY constraints.txt ./
RUN /opt/newsqa/bin/pip install --no-cache-dir --constraint constraints.txt \
    --index-url https://download.pytorch.org/whl/cpu --extra-index-url https://pypi.org/simple torch
COPY pyproject.toml README.md ./
COPY src src
RUN /opt/newsqa/bin/pip install --no-cache-dir --constraint constraints.txt '.[mcp]'

FROM python:3.11-slim
RUN useradd --uid 10001 --no-create-home newsqa && install -d -o newsqa -g newsqa /data
COPY --from=build /opt/newsqa /opt/newsqa
ENV PATH=/opt/newsqa/bin:$PATH HOME=/tmp MPLCONFIGDIR=/tmp PYTHONDONTWRITEBYTECODE=1 NEWSQA_INDEX=/data/index
USER newsqa
WORKDIR /data
VOLUME /data
EXPOSE 7860
HEALTHCHECK --interval=30s --start-period=60s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:7860/healthz', timeout=5)"]
ENTRYPOINT ["newsqa"]
CMD ["serve", "--host", "0.0.0.0"]
