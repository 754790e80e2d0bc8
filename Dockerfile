# One image for every Python part of Tanji: sealer, pollers, jobs, pages. Which part runs is the container's command.
FROM python:3.11.14-slim-bookworm AS build
WORKDIR /src
RUN python -m venv /opt/tanji
COPY requirements.lock .
# Hashes are checked; the package index is whatever the builder is set up for.
RUN /opt/tanji/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY . .
RUN /opt/tanji/bin/pip install --no-cache-dir --no-deps .

FROM python:3.11.14-slim-bookworm
RUN groupadd --gid 10001 tanji && useradd --uid 10001 --gid tanji --no-create-home --shell /usr/sbin/nologin tanji \
    && install -d -o tanji -g tanji /var/lib/tanji
COPY --from=build /opt/tanji /opt/tanji
ENV PATH=/opt/tanji/bin:$PATH PYTHONUNBUFFERED=1 MPLCONFIGDIR=/tmp/matplotlib
USER tanji
CMD ["tanji", "--help"]
