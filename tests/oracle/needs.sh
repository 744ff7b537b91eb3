#!/bin/sh
# Says all that this machine lacks for `make conformance`, before minutes are spent: needs.sh. What can be installed is not looked at here.
set -eu
lacks=
lack() { lacks="$lacks
  $1"; }

if [ "$(id -u)" != 0 ]; then
    lack "root: it makes namespaces and cgroups and runs kubelets"
fi
version=$(go env GOVERSION 2>/dev/null || true)
minor=${version#go1.}
minor=${minor%%[!0-9]*}
if [ -z "$minor" ] || [ "$minor" -lt 21 ]; then
    lack "Go 1.21 or newer, which builds Kubernetes from upstream's modules (${version:-none is here}; Debian 12 has 1.19 only)"
fi
if ! grep -q ' cgroup ' /proc/self/mounts; then
    lack "cgroup v1, which a v1.16 kubelet cannot do without: this machine mounts none"
fi
[ -z "$lacks" ] || {
    printf 'conformance: this machine lacks:%s\n' "$lacks" >&2
    exit 1
}
