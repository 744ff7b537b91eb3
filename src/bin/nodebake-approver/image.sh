#!/bin/sh
# Builds the image of nodebake-approver as an OCI layout, from scratch: image.sh [FOLDER], target/image if there is no FOLDER.
# The same sources and the same Rust give the same bytes, on any machine and in any folder. It prints the digest for `approver.image`.
set -eu
cd "$(dirname "$0")/../../.."
top=$PWD
target=${CARGO_TARGET_DIR:-$top/target}
out=${1:-$target/image}
cargo=${CARGO:-cargo}
case $(uname -m) in
x86_64) machine=x86_64 arch=amd64 ;;
aarch64) machine=aarch64 arch=arm64 ;;
*) echo "image: no image for $(uname -m)" >&2; exit 1 ;;
esac

# Linked with nothing: an image from scratch has no libraries. C code among the dependencies is compiled for musl too.
triple=$machine-unknown-linux-musl
if ! command -v musl-gcc >/dev/null || [ ! -d "$(rustc --print sysroot)/lib/rustlib/$triple" ]; then
    echo "image: needs musl-gcc (Debian: musl-tools) and: rustup target add $triple" >&2
    exit 1
fi
underscored=$(echo "$triple" | tr - _)
# Paths of this machine would be in panic messages. A build id would depend on them.
flags="--remap-path-prefix=$top=/nodebake --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo -C link-arg=-Wl,--build-id=none"
env "CC_$underscored=musl-gcc" CFLAGS="-ffile-prefix-map=${CARGO_HOME:-$HOME/.cargo}=/cargo -ffile-prefix-map=$target=/target" RUSTFLAGS="$flags" \
    "$cargo" build --locked --release --no-default-features --features approver --bin nodebake-approver --target "$triple"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/root" "$work/layout/blobs/sha256"
cp "$target/$triple/release/nodebake-approver" "$work/root/nodebake-approver"
chmod 0555 "$work/root/nodebake-approver"
# One file; no name, time or owner of this machine.
tar --create --format=ustar --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner --file "$work/layer" -C "$work/root" nodebake-approver

# blob FILE: puts a file among the blobs; prints its digest and size.
blob() {
    digest=$(sha256sum "$1" | cut -d ' ' -f 1)
    size=$(wc -c <"$1" | tr -d ' ')
    mv "$1" "$work/layout/blobs/sha256/$digest"
    echo "\"digest\":\"sha256:$digest\",\"size\":$size"
}

layer=$(blob "$work/layer")
diff=$(echo "$layer" | cut -d '"' -f 4)
# 65532 is nobody's number; the manifest of the Deployment says the same.
printf '{"architecture":"%s","os":"linux","config":{"User":"65532:65532","Entrypoint":["/nodebake-approver"],"WorkingDir":"/"},"rootfs":{"type":"layers","diff_ids":["%s"]},"history":[{"created":"1970-01-01T00:00:00Z","created_by":"nodebake"}]}' \
    "$arch" "$diff" >"$work/config"
config=$(blob "$work/config")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar",%s}]}' \
    "$config" "$layer" >"$work/manifest"
manifest=$(blob "$work/manifest")
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,"platform":{"architecture":"%s","os":"linux"}}]}' \
    "$manifest" "$arch" >"$work/layout/index.json"
printf '{"imageLayoutVersion":"1.0.0"}' >"$work/layout/oci-layout"
rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$work/layout" "$out"
echo "image: $out is an OCI layout; skopeo copy oci:$out docker://registry.example.com/nodebake-approver"
echo "nodebake-approver@$(echo "$manifest" | cut -d '"' -f 4)"
