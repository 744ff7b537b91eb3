#!/bin/sh
# Builds the judges of the Kubernetes versions and the replay, and runs it: run.sh NODEBAKE [options of the replay].
# Everything goes to target/; `make conformance FULL=1` puts the table of steps into README.md. VERSIONS="v1.34.4" runs that version only.
set -eu
nodebake=$1
shift
cd "$(dirname "$0")/../../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
judges=$target/judges
versions=${VERSIONS:-v1.16.6 v1.34.4}

tests/judge/replay/build.sh
mkdir -p "$judges/bin" "$target/conformance"
(cd tests/judge/replay && go vet . && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$judges/bin/replay" .)
PATH=$judges/bin:$PATH
export PATH
exec "$judges/bin/replay" -nodebake "$nodebake" -kubernetes "$judges/kubernetes" -judges tests/judge \
    -work "$target/conformance/replay" -table "$target/conformance/replay.md" \
    -versions "$(echo "$versions" | tr ' ' ,)" "$@"
