//! What layers put on a node: files, directories, links, kubeconfigs, assets, images and units.

use crate::inventory::shape::Shape::{
    Bool, Either, Integer, List, Map, Struct as Keys, Text, Words,
};
use crate::inventory::shape::{Entries, Field, Shape, Struct, field, text};

/// A mode.
pub const MODE: Shape = Text(&text::MODE);
/// `root`, or a name with its id.
pub const OWNER: Shape = Either(&[Words(&["root"]), Keys(&NAMED_OWNER)]);
static NAMED_OWNER: Struct = Struct {
    name: "owner",
    groups: &[&[
        field("name", Text(&text::OWNER_NAME), "its name").required(),
        field("id", Integer(0, u32::MAX as i64), "its number").required(),
    ]],
    told_by: "",
};

static ATTRIBUTES: [Field; 4] = [
    field("mode", MODE, "permission bits, a quoted octal string"),
    field("user", OWNER, "the owning user").default("\"root\""),
    field("group", OWNER, "the owning group").default("\"root\""),
    REPLACE,
];

const REPLACE: Field = field(
    "replace",
    Bool,
    "whether it may overwrite what earlier layers wrote at its path",
)
.default("false");

static FILE: Struct = Struct {
    name: "file",
    groups: &[
        &[
            field("content", Text(&text::ANY), "its text, never rendered"),
            field(
                "template",
                Text(&text::TEMPLATE),
                "its text, rendered for each node",
            ),
            field(
                "source",
                Text(&text::PROJECT_FILE),
                "a file of the project, copied as it is",
            ),
            field("secret", Bool, "whether it holds a secret").default("false"),
        ],
        &ATTRIBUTES,
    ],
    told_by: "",
};

static DIRECTORY: Struct = Struct {
    name: "directory",
    groups: &[&ATTRIBUTES],
    told_by: "",
};

static LINK: Struct = Struct {
    name: "link",
    groups: &[&[
        field("target", Text(&text::LINK_TARGET), "where it points to").required(),
        REPLACE,
    ]],
    told_by: "",
};

static KUBECONFIG: Struct = Struct {
    name: "kubeconfig",
    groups: &[
        &[
            field(
                "certificate",
                Keys(&CERTIFICATE),
                "who it is for: a certificate of `pki issue` is embedded",
            ),
            field(
                "tokenFile",
                Text(&text::PATH),
                "a file on the node with a token",
            ),
            field(
                "server",
                Text(&text::HTTPS_URL),
                "the API server, where it is not the nodes' own",
            ),
        ],
        &ATTRIBUTES,
    ],
    told_by: "",
};

static CERTIFICATE: Struct = Struct {
    name: "certificateUser",
    groups: &[&[
        field(
            "user",
            Text(&text::CERTIFICATE_NAME),
            "the user: the certificate's common name",
        )
        .required(),
        field(
            "group",
            Text(&text::CERTIFICATE_NAME),
            "the user's group: the certificate's organization",
        ),
    ]],
    told_by: "",
};

static LARGE_FILE: [Field; 3] = [
    field(
        "source",
        Text(&text::PROJECT_FILE),
        "a file of the project, streamed into payloads",
    )
    .required(),
    field(
        "sha256",
        Text(&text::SHA256),
        "the digest that it must have",
    )
    .required(),
    field(
        "version",
        Text(&text::FILE_VERSION),
        "a version that must stand in the file",
    ),
];

static ASSET: Struct = Struct {
    name: "asset",
    groups: &[
        &LARGE_FILE,
        &[field(
            "unpack",
            Either(&[Bool, Keys(&UNPACK)]),
            "whether it is an archive whose files go below the path",
        )
        .default("false")],
        &ATTRIBUTES,
    ],
    told_by: "",
};

static UNPACK: Struct = Struct {
    name: "unpack",
    groups: &[&[
        field(
            "strip",
            Integer(0, 255),
            "how many components paths lose at the front",
        )
        .default("0"),
        field(
            "only",
            List(&Text(&text::ARCHIVE_GLOB)),
            "globs of the paths that are left; all without it",
        ),
    ]],
    told_by: "",
};

static IMAGE: Struct = Struct {
    name: "imageArchive",
    groups: &[&LARGE_FILE, &ATTRIBUTES],
    told_by: "",
};

static UNIT: Struct = Struct {
    name: "unit",
    groups: &[&[
        field(
            "text",
            Text(&text::UNIT_TEXT),
            "its text; without it the image's own unit is meant",
        ),
        field("dropins", Map(&DROPINS), "drop-ins by file name"),
        field(
            "enabled",
            Bool,
            "whether it starts at boot; without it that is left as it is",
        ),
        field("masked", Bool, "whether it can never start").default("false"),
        REPLACE,
    ]],
    told_by: "",
};

static DROPINS: Entries = Entries {
    key: &text::DROPIN,
    value: Text(&text::UNIT_TEXT),
};

/// The fields of a layer that put something at a path.
pub static FIELDS: [Field; 7] = [
    field(
        "units",
        Map(&Entries {
            key: &text::UNIT_NAME,
            value: Keys(&UNIT),
        }),
        "units of systemd by name",
    ),
    field(
        "files",
        Map(&Entries {
            key: &text::PATH,
            value: Keys(&FILE),
        }),
        "files by path: exactly one of content, template and source",
    ),
    field(
        "directories",
        Map(&Entries {
            key: &text::PATH,
            value: Keys(&DIRECTORY),
        }),
        "directories by path",
    ),
    field(
        "links",
        Map(&Entries {
            key: &text::PATH,
            value: Either(&[Text(&text::LINK_TARGET), Keys(&LINK)]),
        }),
        "symbolic links by path: their targets",
    ),
    field(
        "kubeconfigs",
        Map(&Entries {
            key: &text::PATH,
            value: Keys(&KUBECONFIG),
        }),
        "kubeconfigs of other clients by path: exactly one of certificate and tokenFile",
    ),
    field(
        "assets",
        Map(&Entries {
            key: &text::PATH,
            value: Keys(&ASSET),
        }),
        "large files by path, streamed and checked",
    ),
    field(
        "images",
        Map(&Entries {
            key: &text::ARCHIVE_NAME,
            value: Keys(&IMAGE),
        }),
        "archives of container images, which containerd imports before the kubelet starts",
    ),
];
