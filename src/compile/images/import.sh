#!/bin/sh
# Imports the images that came with the node into containerd; those that it has already are passed over. What a pod names
# by digest the kubelet asks for by a name of that form, which importing does not make.
set -euf
tab=$(printf '\t')
have="
$(ctr --namespace k8s.io images ls -q)
"

has() {
    case $have in
    *"
$1
"*) ;;
    *) return 1 ;;
    esac
}

last=
while IFS="$tab" read -r archive image pinned; do
    # The name may be there for another image, of an older archive.
    if has "$image" && { [ -z "$pinned" ] || has "$pinned"; }; then
        continue
    fi
    # An archive of several images is imported once.
    if [ "$archive" != "$last" ]; then
        ctr --namespace k8s.io images import "$archive" </dev/null
        last=$archive
    fi
    if [ -n "$pinned" ] && ! has "$pinned"; then
        ctr --namespace k8s.io images tag "$image" "$pinned" </dev/null
    fi
done </etc/nodebake/images.list
