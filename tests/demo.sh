#!/bin/sh
# `make demo`: bakes an example project with fresh keys and tokens, by the commands that a user would type, and says how to look at the result.
# Usage: demo.sh NODEBAKE PROJECT FOLDER
set -eu
nodebake=$1 project=$2 demo=$3

# The bundle that is there may be somebody's last look at it, and `build` would keep to its rules; a demo starts afresh.
rm -rf "$demo"
mkdir -p "$(dirname "$demo")"
cp -R "$project" "$demo"
# What a project never shares, and what the tests keep beside it.
rm -rf "$demo/keys" "$demo/secrets.yaml" "$demo/out" "$demo/expected" "$demo/tokens-test-only.yaml"

run() {
    printf '$ %s\n' "$*"
    "$@"
}

run "$nodebake" key generate "$demo"
run "$nodebake" token create "$demo"
run "$nodebake" build "$demo" -o "$demo/out"

set -- "$demo"/out/nodes/*/
node=$(basename "$1")
cat <<TEXT

$# nodes are baked. Each one has a folder in $demo/out/nodes:
$(find "$demo/out/nodes/$node" -type f -printf '  %P (%s bytes)\n' | sort)

Look at it:
  $nodebake show $node $demo
  tar -tvf $demo/out/nodes/$node/$node.tar.gz
  ls $demo/out/cluster/rbac $demo/out/cluster/tokens

Check it, with us and without us:
  $nodebake verify $demo/out --key $demo/keys/sign.pub
  (cd $demo/out && openssl pkeyutl -verify -pubin -inkey ../keys/sign.pub -rawin -in SHA256SUMS -sigfile SHA256SUMS.sig && sha256sum --strict --quiet -c SHA256SUMS)
TEXT
