# One image for every role; what it runs is the command. Kafka is not in it: docker-compose.yml has the official image.
FROM python:3.11-slim AS build
WORKDIR /src
COPY requirements.lock ./
RUN python -m venv /opt/friendstream \
 && /opt/friendstream/bin/pip install --no-cache-dir --require-hashes -r requirements.lock \
 && /opt/friendstream/bin/pip install --no-cache-dir "hatchling>=1.27"
COPY . .
RUN /opt/friendstream/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/friendstream friendstream
COPY --from=build /opt/friendstream /opt/friendstream
ENV PATH=/opt/friendstream/bin:$PATH PYTHONUNBUFFERED=1 FRIENDSTREAM_DATA_DIR=/var/lib/friendstream FRIENDSTREAM_LOG=json
USER 10001
WORKDIR /var/lib/friendstream
VOLUME /var/lib/friendstream
ENTRYPOINT ["friendstream"]
CMD ["--help"]
