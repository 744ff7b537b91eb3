#!/bin/sh
# Builds the judges of both Kubernetes versions and the replay, and runs it: run.sh NODEBAKE [options of the replay].
# Everything goes to target/; the table of steps goes into README.md if the
# run was good.
set -eu
nodebake=$1
shift
cd "$(dirname "$0")/../../.."
target=${CARGO_TARGET_DIR:-$PWD/target}
judges=$target/judges
versions=${VERSIONS:-v1.16.6 v1.34.4}

if [ "$(id -u)" != 0 ]; then
    echo "replay: needs root: it makes namespaces and cgroups and runs kubelets" >&2
    exit 1
fi
if ! command -v go >/dev/null 2>&1; then
    echo "replay: needs Go 1.21 or newer, to build Kubernetes from upstream's modules" >&2
    exit 1
fi
for version in $versions; do
    tests/judge/kubernetes/build.sh "$version" "$judges/kubernetes/$version"
done
mkdir -p "$judges/bin" "$target/conformance"
(cd tests/judge/replay && go vet . && CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w' -o "$judges/bin/replay" .)
PATH=$judges/bin:$PATH
export PATH
"$judges/bin/replay" -nodebake "$nodebake" -kubernetes "$judges/kubernetes" -judges tests/judge \
    -work "$target/conformance/replay" -table "$target/conformance/replay.md" \
    -versions "$(echo $versions | tr ' ' ,)" "$@"
tests/judge/replay/readme.sh "$target/conformance/replay.md"
