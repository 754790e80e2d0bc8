#!/bin/bash
# Runs once, while InfluxDB 2 sets itself up (its entrypoint has made the raw bucket). Makes the other buckets, and one
# scoped token for each part, written where only that part's container sees it: a bucket has one writer (DESIGN
# section 1). InfluxDB 2.9 keeps only a hash of a token, so these files are the only copies.
set -euo pipefail
umask 022

plant="${TANJI_PLANT:?the id of the plant}"
tokens=/run/tanji-tokens

bucket_id() {
  influx bucket list --org "$DOCKER_INFLUXDB_INIT_ORG" --name "$1" --hide-headers | cut -f 1
}

# Buckets without a slash in the name need no mapping: InfluxQL finds them by name, retention policy autogen.
for bucket in "${plant}_derived" "${plant}_health"; do
  influx bucket create --org "$DOCKER_INFLUXDB_INIT_ORG" --name "$bucket" --retention 0 >/dev/null
done
raw="$(bucket_id "${plant}_raw")"
derived="$(bucket_id "${plant}_derived")"
health="$(bucket_id "${plant}_health")"
everything=(--read-bucket "$raw" --read-bucket "$derived" --read-bucket "$health")

make_token() { # name of the part, then the permissions it has beyond reading
  local part="$1"
  shift
  influx auth create --org "$DOCKER_INFLUXDB_INIT_ORG" --description "tanji $part" "${everything[@]}" "$@" --json |
    sed -n 's/^[[:space:]]*"token": "\(.*\)",\{0,1\}$/\1/p' >"$tokens/$part/influx_token"
  test -s "$tokens/$part/influx_token"
}

make_token sealer --write-bucket "$raw" --write-bucket "$health"
make_token jobs --write-bucket "$derived"
make_token ledger
make_token grafana
