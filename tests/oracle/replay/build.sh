#!/bin/sh
# Builds what clusters are made of into target/oracles/kubernetes, for each version all at once: build.sh [MORE_PROGRAMS…]
set -eu
cd "$(dirname "$0")/../../.."
oracles=${CARGO_TARGET_DIR:-$PWD/target}/oracles
for version in ${VERSIONS:-v1.16.6 v1.34.4}; do
    programs="kube-apiserver kube-controller-manager kubelet $*"
    # Today's kubectl cannot approve certificates on clusters before 1.19.
    case $version in v1.1[0-8].*) programs="$programs kubectl" ;; esac
    # shellcheck disable=SC2086 # a list of words
    tests/oracle/kubernetes/build.sh "$version" "$oracles/kubernetes/$version" $programs
done
