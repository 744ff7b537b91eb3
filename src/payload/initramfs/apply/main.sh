# Writes what the initrd copies ($1/root, by the lists $1/list.*) into the root that is mounted at $2, or into its own
# root where that is empty. A list that was copied before is passed over: what changed on the node since then stays.
# What another list copied before and none does now is removed, by path: whoever changed it since.
set -eu
umask 077
copy=$1 root=$2
tab=$(printf '\t')

flush() {
    ! command -v sync >/dev/null || sync
}

find_points
find_kept
find_labels

# What comes in an archive of its own may be missing, or be another node's.
for need in "$copy"/needs.*; do
    [ -f "$need" ] || continue
    list=$copy/list.${need##*.}
    head=
    [ ! -f "$list" ] || read -r head <"$list"
    read -r name <"$need"
    [ "$head" = "$name" ] || fail "the initrd lacks ${name##*"$tab"}, which this node needs beside its own files"
done

# What came in such an archive before, and now there is none.
locate etc/nodebake/copied.assets
if [ -f "$at" ] && [ ! -f "$copy/list.assets" ]; then
    stamp=$at
    take_back "$stamp"
    rm -f "$stamp"
fi

for list in "$copy"/list.*; do
    locate "etc/nodebake/copied.${list##*.}"
    stamp=$at folder=$above
    if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$(cat "$list")" ]; then
        continue
    fi
    check "$list"
    # Without a stamp this begins again when the power fails; what may be there by then is known all the same.
    (umask 022 && mkdir -p "$folder" && : >>"$stamp.before")
    [ ! -f "$stamp" ] || cat "$stamp" >>"$stamp.before"
    cat "$list" >>"$stamp.before"
    flush
    rm -f "$stamp"
    take_back "$stamp.before"
    take_back_state
    put "$list"
    flush
    (umask 022 && cp "$list" "$stamp.new")
    mv -f "$stamp.new" "$stamp"
    unlabelled "$stamp"
    rm -f "$stamp.before"
    flush
done
