#!/bin/sh
# Builds oracles of one Kubernetes version from upstream's Go modules into FOLDER: build.sh VERSION FOLDER [PROGRAM…]; without programs the
# three that make a cluster. A PROGRAM is a command of upstream's (kubelet) or one of ours that calls upstream's packages, a folder of Go files
# beside this script (kubelet-config). Needs Go 1.21 or newer and, before v1.24, a C compiler. Each program is kept in the cache under version
# and recipe; a second run copies nothing that is there already.
#
# k8s.io/kubernetes is a Go module like any other, but its go.mod points at folders that a module does not have (./staging/…): each of those
# is replaced by the module that upstream publishes from it, v0.MINOR.PATCH for Kubernetes v1.MINOR.PATCH.
set -eu

usage='build.sh VERSION FOLDER [PROGRAM…]'
version=${1:?$usage}
mkdir -p "${2:?$usage}"
folder=$(cd "$2" && pwd)
shift 2
programs=${*:-kube-apiserver kube-controller-manager kubelet}
here=$(cd "$(dirname "$0")" && pwd)
minor=${version#v1.}
minor=${minor%%.*}
oracles=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/oracles

say() { printf 'kubernetes oracles: %s\n' "$*"; }

# What a program is made by: this script, and its own files if it is one of ours.
recipe() {
    if [ -d "$here/$1" ]; then
        cat "$here/build.sh" "$here/$1/"*.go | sha256sum | cut -c 1-12
    else
        sha256sum "$here/build.sh" | cut -c 1-12
    fi
}

cached() { printf '%s/kubernetes-%s-%s-%s/%s' "$oracles" "$version" "$(go env GOARCH)" "$(recipe "$1")" "$1"; }

# Every copy is renamed into place, in the cache as in the folder, so that a run that dies leaves no half a program. Beside each program in
# the folder is the recipe that it was made by.
take_from_cache() {
    [ -e "$(cached "$1")" ] || return 1
    cp "$(cached "$1")" "$folder/$1.new"
    mv "$folder/$1.new" "$folder/$1"
    printf '%s %s\n' "$version" "$(recipe "$1")" >"$folder/.$1.recipe"
}

is_there() {
    [ -e "$folder/$1" ] && [ "$(cat "$folder/.$1.recipe" 2>/dev/null)" = "$version $(recipe "$1")" ]
}

# The module's own go.mod from the Go command, which fetches the module on the way.
module() {
    go mod download -json "k8s.io/kubernetes@$version" >download.json
    source=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' download.json)
}

# Before v1.24: all its replacements hold; reflect2 and json-iterator of that time crash when today's Go builds them, and vbom.ml is gone (its
# code lives on under another name).
old_module() {
    cp "$source/go.mod" go.mod
    chmod u+w go.mod
    sed -i -e 's/^module .*/module oracles/' \
        -e "s,=> \./staging/src/\(k8s\.io/[a-z-]*\)\$,=> \1 v0.${version#v1.}," \
        -e 's,=> vbom\.ml/util ,=> github.com/fvbommel/util ,' \
        -e 's,=> github.com/modern-go/reflect2 .*,=> github.com/modern-go/reflect2 v1.0.2,' \
        -e 's,=> github.com/json-iterator/go .*,=> github.com/json-iterator/go v1.1.12,' go.mod
    go mod edit -require="k8s.io/kubernetes@$version"
    case " $missing " in *" kube-apiserver "*) without_openapi ;; esac
}

# The kube-apiserver of that time lacks a generated file, the OpenAPI definitions: it is built from a copy that does without.
without_openapi() {
    cp -R "$source" src
    chmod -R u+w src
    server=src/cmd/kube-apiserver/app/server.go
    sed -i -e '/^\tgenericConfig\.OpenAPIConfig = /d' -e '/^\tgenericConfig\.OpenAPIConfig\.Info\.Title = /d' \
        -e 's/genericConfig\.OpenAPIConfig\.SecurityDefinitions, err = /_, err = /' \
        -e '/^\topenapinamer "/d' -e '/^\tgeneratedopenapi "/d' "$server"
    for import in extensionsapiserver aggregatorscheme legacyscheme; do
        # An import that nothing uses any more does not compile.
        if [ "$(grep -c "\b$import\b" "$server")" = 1 ]; then
            sed -i "/\b$import\b/d" "$server"
        fi
    done
    go mod edit -replace=k8s.io/kubernetes=./src
}

new_module() {
    go mod init oracles
    go mod edit -require="k8s.io/kubernetes@$version"
    for module in $(sed -n 's/^\t\(k8s\.io\/[a-z-]*\) => \.\/staging.*/\1/p' "$source/go.mod") \
        $(sed -n 's/^\t\(k8s\.io\/[a-z-]*\) v0\.0\.0\( .*\)*$/\1/p' "$source/go.mod"); do
        go mod edit -replace="$module=$module@v0.${version#v1.}"
    done
}

# since16,since17,…: what our own programs choose their files by, since upstream's functions change with the minors.
tags() {
    seq -s , -f 'since%.0f' 16 "$minor"
}

build() {
    unset GOFLAGS
    module
    flags="-s -w"
    for package in k8s.io/component-base/version k8s.io/kubernetes/pkg/version; do
        flags="$flags -X $package.gitVersion=$version -X $package.gitMajor=1 -X $package.gitMinor=$minor"
    done
    if [ "$minor" -lt 24 ]; then
        old_module
        export CGO_ENABLED=1
    else
        new_module
        export CGO_ENABLED=0
    fi
    packages=''
    for program in $missing; do
        if [ -d "$here/$program" ]; then
            mkdir "$program"
            cp "$here/$program/"*.go "$program/"
            packages="$packages ./$program"
        else
            packages="$packages k8s.io/kubernetes/cmd/$program"
        fi
    done
    mkdir -p bin
    # What nobody here asks for and takes long to compile is left out: the clouds' own libraries (providerless, a tag of upstream's up to
    # v1.30) and debugging information.
    # shellcheck disable=SC2086 # a list of words
    go build -mod=mod -trimpath -buildvcs=false -tags "providerless,$(tags)" -gcflags=all=-dwarf=false -o bin/ -ldflags "$flags" $packages
}

missing=''
for program in $programs; do
    if ! is_there "$program" && ! take_from_cache "$program"; then
        missing="$missing $program"
    fi
done
[ -n "$missing" ] || exit 0
say "building$missing $version, minutes once"
work=$folder/build.work
rm -rf "$work"
mkdir -p "$work"
if ! (cd "$work" && build) >"$folder/build.log" 2>&1; then
    tail -n 20 "$folder/build.log" >&2
    say "$version does not build; the whole log is $folder/build.log" >&2
    exit 1
fi
for program in $missing; do
    mkdir -p "$(dirname "$(cached "$program")")"
    mv "$work/bin/$program" "$(cached "$program").new.$$"
    mv "$(cached "$program").new.$$" "$(cached "$program")"
    take_from_cache "$program"
done
rm -rf "$work"
say "$version is built"
