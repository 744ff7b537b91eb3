# What the recipes of this folder have in common. A recipe says which `image` it is for, which `files` that has and, besides itself and this
# file, which `parts` it is made of, then reads this file, makes the files in $work/made, and calls `keep`.
#
# usage of a recipe: RECIPE FOLDER [kept]
#
# FOLDER gets links to the files, which stay in the user's cache under a digest of what they are made of; where they are there already, reading
# this file is the end. With `kept` nothing is made, and a recipe whose files are not there fails. To make them takes minutes, root, and
# mmdebstrap; for disks mke2fs, and for squashed roots mksquashfs.

out=$1
digest=$(cd "$here" && sha256sum "$(basename "$0")" keep.sh ${parts:-} | sha256sum | cut -c1-16)
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/oracles/$image-$digest

link() {
    mkdir -p "$out"
    for file in $files; do
        ln -sf "$cache/$file" "$out/$file"
    done
}

# debian PACKAGES ROOT OPTION…: a system without what no machine reads; ROOT may be /dev/null.
debian() {
    packages=$1 root=$2
    shift 2
    mmdebstrap --quiet --variant=minbase --mode=root \
        --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
        --include="$packages" "$@" bookworm "$root"
}

# disk: $work/root as a file system, before its first boot.
disk() {
    # At that systemd applies presets: mmdebstrap leaves an empty file, which says that it is none.
    echo uninitialized >"$work/root/etc/machine-id"
    mke2fs -q -t ext4 -d "$work/root" "$work/made/disk" 2G
}

keep() {
    mkdir -p "${cache%/*}"
    rm -rf "$cache.new.$$"
    cp -r --sparse=always "$work/made" "$cache.new.$$"
    rm -rf "$cache"
    mv "$cache.new.$$" "$cache"
    link
}

if [ -d "$cache" ]; then
    link
    exit 0
fi
[ "${2:-}" != kept ] || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM
mkdir "$work/made"
