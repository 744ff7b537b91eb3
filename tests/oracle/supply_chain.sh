#!/bin/sh
# Asks cargo-deny about our dependencies, by deny.toml: licences, sources, two versions of one crate, and known vulnerabilities.
#
# cargo-deny is built from crates.io once and kept in the cache. The advisory database is a git repository: a machine that cannot fetch it says so
# and asks everything else. NODEBAKE_ADVISORIES=required makes that a failure.
set -eu

CARGO_DENY=0.20.2

top=$(cd "$(dirname "$0")/../.." && pwd)
target=${CARGO_TARGET_DIR:-$top/target}
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/oracles/cargo-deny-$CARGO_DENY
cargo=${CARGO:-cargo}

if [ ! -x "$cache/bin/cargo-deny" ]; then
    echo "lint: building cargo-deny $CARGO_DENY, a minute once"
    # Without optimisation: it runs for a second.
    mkdir -p "$cache.new.$$"
    "$cargo" install --quiet --locked --debug --version "$CARGO_DENY" --target-dir "$target/oracles/cargo-deny.work" --root "$cache.new.$$" cargo-deny
    rm -rf "$target/oracles/cargo-deny.work" "$cache"
    mv "$cache.new.$$" "$cache"
fi

deny() { (cd "$top" && "$cache/bin/cargo-deny" --locked --log-level error "$@"); }

deny check licenses bans sources

# git asks nobody for a password, and gives up on a server that does not answer.
if GIT_TERMINAL_PROMPT=0 GIT_HTTP_LOW_SPEED_LIMIT=1000 GIT_HTTP_LOW_SPEED_TIME=30 deny fetch db >"$target/advisories.log" 2>&1; then
    # Without the network: all that it needs is here now.
    deny --offline check advisories
else
    echo "lint: NOT CHECKED: known vulnerabilities. The advisory database could not be fetched; $target/advisories.log has the reason" >&2
    [ "${NODEBAKE_ADVISORIES:-}" != required ]
fi
