# Removes from a root what an earlier payload installed there and this one does not hold. Run it before this one is unpacked.
# Paths below links stay in the root, which has them as its own.
#
# usage: sh FILE ROOT
set -eu
if [ $# != 1 ] || [ ! -d "$1" ]; then
    echo "usage: sh $0 ROOT" >&2
    exit 2
fi
root=${1%/}
tab=$(printf '\t')

# What is there by now is gone, whoever changed it since. The image's own file that it replaced does not come back.
gone() {
    while IFS="$tab" read -r kind path; do
        remove "$kind" "$path"
    done
}

