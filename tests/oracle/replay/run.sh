#!/bin/sh
# Builds the oracles of the Kubernetes versions and the replay, and runs it: run.sh NODEBAKE [options of the replay].
# Everything goes to target/; `make conformance FULL=1` puts the table of steps into README.md. VERSIONS="v1.34.4" runs that version only.
set -eu
nodebake=$1
shift
cd "$(dirname "$0")/../../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
oracles=$target/oracles
versions=${VERSIONS:-v1.16.6 v1.34.4}

tests/oracle/replay/build.sh
mkdir -p "$oracles/bin" "$target/conformance"
(cd tests/oracle/replay && go vet . && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$oracles/bin/replay" .)
PATH=$oracles/bin:$PATH
export PATH
exec "$oracles/bin/replay" -nodebake "$nodebake" -kubernetes "$oracles/kubernetes" -oracles tests/oracle \
    -work "$target/conformance/replay" -table "$target/conformance/replay.md" \
    -versions "$(echo "$versions" | tr ' ' ,)" "$@"
