#!/bin/sh
# kube-bench on a root that a payload was unpacked into: run.sh ROOT CFG BENCHMARK KUBELET-ARGUMENT…, as root, in namespaces of its own
# (unshare --mount --pid --fork). Prints the report as JSON.
#
# kube-bench looks at processes and at absolute paths, so it gets a chroot with the machine's programs, and a process that is called kubelet
# and has the very arguments: a copy of bash that sleeps. It would ask a cluster for its version first; the kubectl here knows none.
set -eu
root=$1 cfg=$2 benchmark=$3
shift 3
bench=$(command -v kube-bench)
mount --make-rprivate /
for folder in usr bin sbin lib lib32 lib64; do
    [ -e "/$folder" ] || continue
    if [ -L "/$folder" ]; then
        [ -e "$root/$folder" ] || cp -P "/$folder" "$root/$folder"
    else
        mkdir -p "$root/$folder"
        mount --bind "/$folder" "$root/$folder"
    fi
done
mkdir -p "$root/proc" "$root/dev" "$root/tmp" "$root/oracle/bin"
mount -t proc proc "$root/proc"
: >"$root/dev/null"
mount --bind /dev/null "$root/dev/null"
[ ! -d /etc/alternatives ] || { mkdir -p "$root/etc/alternatives" && mount --bind /etc/alternatives "$root/etc/alternatives"; }
for file in passwd group nsswitch.conf; do
    [ -e "$root/etc/$file" ] || [ ! -e "/etc/$file" ] || cp "/etc/$file" "$root/etc/$file"
done
cp -r "$cfg" "$root/oracle/cfg"
cp "$bench" "$root/oracle/bin/kube-bench"
cp /bin/bash "$root/oracle/bin/kubelet"
printf '#!/bin/sh\necho "{}"\n' >"$root/oracle/bin/kubectl"
chmod 755 "$root/oracle/bin/kubectl"
# `; :` keeps bash from becoming the program that it waits for.
PATH=/oracle/bin:/usr/sbin:/usr/bin:/sbin:/bin chroot "$root" /oracle/bin/kubelet -c 'sleep 60; :' x "$@" >/dev/null 2>&1 &
pid=$!
tries=0
until [ "$(cat "$root/proc/$pid/comm" 2>/dev/null)" = kubelet ] || [ $tries = 50 ]; do
    tries=$((tries + 1))
    sleep 0.1
done
PATH=/oracle/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/tmp chroot "$root" /oracle/bin/kube-bench run --targets node --benchmark "$benchmark" \
    --config-dir /oracle/cfg --config /oracle/cfg/config.yaml --json --noremediations
