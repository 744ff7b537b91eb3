//! Which payloads are written, and how.

use crate::inventory::shape::Shape::{
    self, Bool, Either, Integer, List, Struct as Keys, Text, Words,
};
use crate::inventory::shape::{Field, Struct, field, text};

const FORMATS: Shape = List(&Words(&["tarball", "cloudInit", "ignition", "initramfs"]));
const COMPRESSION: Field = field(
    "compression",
    Words(&["none", "gzip", "zstd", "xz"]),
    "how archives are compressed",
)
.default("\"gzip\"");
const ARCHIVE_ASSETS: Field = field(
    "assets",
    Words(&["layer", "inside"]),
    "where large files are: in a layer that nodes share, or inside each payload",
)
.default("\"layer\"");
const MERGES: Shape = List(&Either(&[Text(&text::PROJECT_FILE), Keys(&MERGE)]));

static OUTPUT: Struct = Struct {
    name: "output",
    groups: &[&[
        field("formats", FORMATS, "which payloads are written")
            .default(r#"["tarball", "cloudInit", "ignition", "initramfs"]"#),
        field(
            "secrets",
            Words(&["inline", "separate"]),
            "whether secrets are inside payloads or in a part of their own; without it: separate in tarballs and initramfs overlays",
        ),
        field(
            "credential",
            Bool,
            "whether secrets are also written as a credential of systemd",
        )
        .default("false"),
        field("tarball", Keys(&TARBALL), "the tarball"),
        field("initramfs", Keys(&INITRAMFS), "the initramfs overlay"),
        field("ignition", Keys(&IGNITION), "the Ignition configuration"),
        field("cloudInit", Keys(&CLOUD_INIT), "cloud-init's user-data"),
        field(
            "sysext",
            Either(&[Bool, Keys(&SYSEXT)]),
            "whether programs are also written as a system extension, and for which systems",
        )
        .default("false"),
        field("pxe", Keys(&PXE), "what machines boot over the network"),
        field(
            "assetsURL",
            Text(&text::ASSETS_URL),
            "from where cloud-init and Ignition fetch assets, with {sha256}",
        ),
    ]],
    told_by: "",
};

static TARBALL: Struct = Struct {
    name: "tarball",
    groups: &[&[COMPRESSION, ARCHIVE_ASSETS]],
    told_by: "",
};

static INITRAMFS: Struct = Struct {
    name: "initramfs",
    groups: &[&[
        COMPRESSION,
        ARCHIVE_ASSETS,
        field("mode", Words(&["ramRoot", "carry", "coreosLive"]), "a root in RAM, files carried to the disk's root, or an Ignition configuration for a CoreOS live system").default("\"ramRoot\""),
    ]],
    told_by: "",
};

static IGNITION: Struct = Struct {
    name: "ignition",
    groups: &[&[
        field(
            "spec",
            Text(&text::IGNITION_SPEC),
            "the specification; without it the lowest that can say what the node needs",
        ),
        field(
            "digest",
            Words(&["sha512", "sha256", "none"]),
            "the digest beside each content",
        )
        .default("\"sha512\""),
        field(
            "target",
            Either(&[
                Words(&["ec2", "azure", "gce", "openstack", "vmware", "liveISO"]),
                Keys(&LIMIT),
            ]),
            "where config.ign goes: it must be no larger than that takes",
        ),
        field(
            "assets",
            Words(&["inside", "url"]),
            "where large files are; without it: fetched where assetsURL is set",
        ),
        field("merge", MERGES, "configurations of yours that are merged"),
        field(
            "url",
            Text(&text::IGNITION_URL),
            "from where config.body.ign is fetched, with {node}: config.ign is small then",
        ),
        field(
            "secretsURL",
            Text(&text::IGNITION_SECRETS_URL),
            "from where the secret part is fetched, with {node}",
        ),
    ]],
    told_by: "",
};

static CLOUD_INIT: Struct = Struct {
    name: "cloudInit",
    groups: &[&[
        field(
            "target",
            Either(&[
                Words(&["ec2", "azure", "gce", "openstack", "vmware", "nocloud"]),
                Keys(&LIMIT),
            ]),
            "where user-data goes: it is made to fit there",
        )
        .default("\"nocloud\""),
        field(
            "url",
            Text(&text::BODY_URL),
            "from where a node fetches what does not fit, with {node}",
        ),
        field("seedISO", Bool, "whether seed.iso is made of the documents").default("false"),
        field(
            "forget",
            Bool,
            "whether user-data is removed from the node when it is set up",
        )
        .default("false"),
        field(
            "assets",
            Words(&["inside", "url", "iso"]),
            "where large files are; without it: fetched where assetsURL is set",
        ),
        field(
            "mounts",
            List(&Text(&text::NODE_PATH)),
            "folders on disks that parts of yours let cloud-init mount",
        ),
        field("parts", MERGES, "parts of yours for user-data"),
        field(
            "vendorData",
            Text(&text::PROJECT_FILE),
            "a file of the project that becomes vendor-data",
        ),
    ]],
    told_by: "",
};

static MERGE: Struct = Struct {
    name: "merge",
    groups: &[&[
        field("source", Text(&text::PROJECT_FILE), "a file of the project").required(),
        field("secret", Bool, "whether it holds a secret").default("false"),
    ]],
    told_by: "",
};

static LIMIT: Struct = Struct {
    name: "limit",
    groups: &[&[
        field(
            "maxBytes",
            Integer(0, i64::MAX),
            "the most that the platform takes",
        )
        .required(),
        field("count", Words(&["raw", "base64"]), "what it counts").required(),
    ]],
    told_by: "",
};

static SYSEXT: Struct = Struct {
    name: "sysext",
    groups: &[&[
        field(
            "id",
            Text(&text::OS_RELEASE_WORD),
            "the system's ID in os-release",
        )
        .default("\"_any\""),
        field("versionID", Text(&text::OS_RELEASE_WORD), "its VERSION_ID"),
        field("level", Text(&text::OS_RELEASE_WORD), "its SYSEXT_LEVEL"),
    ]],
    told_by: "",
};

static PXE: Struct = Struct {
    name: "pxe",
    groups: &[&[
        field(
            "url",
            Text(&text::PXE_URL),
            "where the bundle's folders boot and shared are served",
        )
        .required(),
        field(
            "kernel",
            Text(&text::BOOT_FILE),
            "the kernel: a URL, or a file of the project",
        )
        .required(),
        field(
            "initrd",
            Either(&[Text(&text::BOOT_FILE), List(&Text(&text::BOOT_FILE))]),
            "the base initrd, or several: URLs, or files of the project",
        )
        .required(),
        field(
            "arguments",
            List(&Text(&text::KERNEL_ARGUMENT)),
            "words of the kernel's command line, after those that are needed",
        ),
        field(
            "loaders",
            List(&Words(&["ipxe", "grub", "pxelinux"])),
            "boot loaders that scripts are written for; without it all that know the URLs' schemes",
        ),
        field(
            "secretsURL",
            Text(&text::PXE_SECRETS_URL),
            "from where the secret part comes, with {node}; by https",
        ),
        field(
            "secrets",
            Words(&["elsewhere"]),
            "that the secret part comes another way",
        ),
    ]],
    told_by: "",
};

/// `output`.
pub static OUTPUT_FIELD: Field = field(
    "output",
    Keys(&OUTPUT),
    "which payloads are written, and how",
);
