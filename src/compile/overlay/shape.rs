//! What may stand in `overlay.yaml`.

use crate::inventory::shape::Shape::{Bool, Map, Struct as Keys, Text, Words};
use crate::inventory::shape::{
    API_VERSION, Entries, Field, MODE, OWNER, Shape, Struct, field, text,
};

static OVERLAY_STRUCT: Struct = Struct {
    name: "overlay",
    groups: &[&[
        API_VERSION,
        field("kind", Words(&["Overlay"]), "what this file is").required(),
        field("description", Text(&text::ANY), "what it is for"),
        field("kubernetes", Keys(&MINORS), "the minors that it fits"),
        field(
            "directories",
            Map(&Entries {
                key: &text::NODE_PATH,
                value: Keys(&DIRECTORY),
            }),
            "directories by path",
        ),
        field(
            "files",
            Map(&Entries {
                key: &text::GLOB,
                value: Keys(&FILES),
            }),
            "what is said of the files below root/, by glob of their paths on the node",
        ),
        field(
            "units",
            Map(&Entries {
                key: &text::UNIT_NAME,
                value: Keys(&UNIT),
            }),
            "the state of units by name",
        ),
    ]],
    told_by: "",
};

static MINORS: Struct = Struct {
    name: "minors",
    groups: &[&[
        field("since", Text(&text::MINOR), "the first"),
        field("until", Text(&text::MINOR), "the last"),
    ]],
    told_by: "",
};

static ATTRIBUTES: [Field; 3] = [
    field("mode", MODE, "permission bits, a quoted octal string"),
    field("user", OWNER, "the owning user"),
    field("group", OWNER, "the owning group"),
];

static DIRECTORY: Struct = Struct {
    name: "overlayDirectory",
    groups: &[&ATTRIBUTES],
    told_by: "",
};

static FILES: Struct = Struct {
    name: "overlayFiles",
    groups: &[
        &ATTRIBUTES,
        &[field("secret", Bool, "whether they hold secrets").default("false")],
    ],
    told_by: "",
};

static UNIT: Struct = Struct {
    name: "unitState",
    groups: &[&[
        field("enabled", Bool, "whether it starts at boot"),
        field("masked", Bool, "whether it can never start").default("false"),
    ]],
    told_by: "",
};

/// `overlays/NAME/overlay.yaml`.
pub static OVERLAY: Shape = Keys(&OVERLAY_STRUCT);
