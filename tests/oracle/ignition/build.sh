#!/bin/sh
# Builds the oracles of Ignition configurations into FOLDER: build.sh FOLDER [engine]. Needs Go.
# ignition-validate-2.26 knows all released specifications, Debian's 2.14 only up to 3.3; a few seconds.
# With `engine` also Ignition itself, ignition-engine, which applies a configuration to a folder; it needs a C compiler and
# libblkid's headers (Debian: libblkid-dev) and takes minutes. It would relabel for SELinux unless it is built not to.
set -eu
mkdir -p "$1"
folder=$(cd "$1" && pwd)
cd "$(dirname "$0")"
go build -trimpath -buildvcs=false -o "$folder/ignition-validate-2.26" github.com/coreos/ignition/v2/validate
[ "${2:-}" = engine ] || exit 0
go build -trimpath -buildvcs=false -o "$folder/ignition-engine" \
    -ldflags "-X github.com/coreos/ignition/v2/internal/distro.selinuxRelabel=false" \
    github.com/coreos/ignition/v2/internal
