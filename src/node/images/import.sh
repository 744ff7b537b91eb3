#!/bin/sh
# Imports the images that came with the node into containerd; those that it has already are passed over.
set -euf
tab=$(printf '\t')
have="
$(ctr --namespace k8s.io images ls -q)
"
last=
while IFS="$tab" read -r archive image; do
    case $have in
    *"
$image
"*) continue ;;
    esac
    # An archive of several images is imported once.
    if [ "$archive" != "$last" ]; then
        ctr --namespace k8s.io images import "$archive" </dev/null
        last=$archive
    fi
done </etc/nodebake/images.list
