#!/bin/sh
# Builds the judges of one Kubernetes version from upstream's Go modules into FOLDER: build.sh VERSION FOLDER. Needs Go 1.21 or newer and,
# for v1.16, a C compiler. The result is kept in the cache under version and recipe; a second run copies nothing that is there already.
#
# k8s.io/kubernetes is a Go module like any other, but its go.mod points at folders that a module does not have (./staging/…): each of those
# is replaced by the module that upstream publishes from it, v0.MINOR.PATCH for Kubernetes v1.MINOR.PATCH.
set -eu

version=${1:?build.sh VERSION FOLDER}
mkdir -p "${2:?build.sh VERSION FOLDER}"
folder=$(cd "$2" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
minor=${version#v1.}
minor=${minor%%.*}
programs='kube-apiserver kube-controller-manager kubelet'
recipe=$(sha256sum "$here/build.sh" | cut -c 1-12)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/judges/kubernetes-$version-$(go env GOARCH)-$recipe
stamp=$folder/.recipe

say() { printf 'kubernetes judges: %s\n' "$*"; }

# The copy is renamed into place, so that a run that dies leaves no half a program.
take_from_cache() {
    [ -e "$cache/complete" ] || return 1
    for program in $programs; do
        cp "$cache/$program" "$folder/$program.new"
        mv "$folder/$program.new" "$folder/$program"
    done
    printf '%s\n' "$recipe" >"$stamp"
}

# The module's own go.mod from the Go command, which fetches the module on the way.
module() {
    go mod download -json "k8s.io/kubernetes@$version" >download.json
    source=$(sed -n 's/^\t"Dir": "\(.*\)",$/\1/p' download.json)
}

# v1.16 and its contemporaries: all its replacements hold; reflect2 and json-iterator of that time crash when today's Go builds them, and
# vbom.ml is gone (its code lives on under another name). kube-apiserver lacks a generated file, the OpenAPI definitions: it is built from a
# copy that does without.
old_module() {
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
    cp "$source/go.mod" go.mod
    sed -i -e 's/^module .*/module judges/' \
        -e "s,=> \./staging/src/\(k8s\.io/[a-z-]*\)\$,=> \1 v0.${version#v1.}," \
        -e 's,=> vbom\.ml/util ,=> github.com/fvbommel/util ,' \
        -e 's,=> github.com/modern-go/reflect2 .*,=> github.com/modern-go/reflect2 v1.0.2,' \
        -e 's,=> github.com/json-iterator/go .*,=> github.com/json-iterator/go v1.1.12,' go.mod
    go mod edit -require="k8s.io/kubernetes@$version" -replace=k8s.io/kubernetes=./src
}

new_module() {
    go mod init judges
    go mod edit -require="k8s.io/kubernetes@$version"
    for module in $(sed -n 's/^\t\(k8s\.io\/[a-z-]*\) => \.\/staging.*/\1/p' "$source/go.mod") \
        $(sed -n 's/^\t\(k8s\.io\/[a-z-]*\) v0\.0\.0\( .*\)*$/\1/p' "$source/go.mod"); do
        go mod edit -replace="$module=$module@v0.${version#v1.}"
    done
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
    for program in $programs; do
        packages="$packages k8s.io/kubernetes/cmd/$program"
    done
    mkdir -p bin
    # shellcheck disable=SC2086 # a list of words
    go build -mod=mod -trimpath -buildvcs=false -o bin/ -ldflags "$flags" $packages
}

if [ "$(cat "$stamp" 2>/dev/null)" = "$recipe" ]; then
    exit 0
fi
if take_from_cache; then
    say "$version is there"
    exit 0
fi
say "building $version, a few minutes once"
work=$folder/build.work
rm -rf "$work"
mkdir -p "$work"
if ! (cd "$work" && build) >"$folder/build.log" 2>&1; then
    tail -n 20 "$folder/build.log" >&2
    say "$version does not build; the whole log is $folder/build.log" >&2
    exit 1
fi
mkdir -p "$cache.new.$$"
mv "$work/bin/"* "$cache.new.$$/"
: >"$cache.new.$$/complete"
rm -rf "$cache" "$work"
mv "$cache.new.$$" "$cache"
take_from_cache
say "$version is built"
