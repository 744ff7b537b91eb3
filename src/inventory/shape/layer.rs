//! What a layer may say of a node: the fields that profiles, the cluster and nodes share.

use crate::inventory::shape::Shape::{
    Any, Bool, KubeletConfig, KubeletFlags, List, Map, Struct as Keys, Text, Words,
};
use crate::inventory::shape::{
    Entries, Field, Shape, Struct, field, files, keys, machine, output, text,
};

/// `apiVersion` of every file.
pub const API_VERSION: Field = field(
    "apiVersion",
    Words(&["nodebake/v1"]),
    "the version of this format",
)
.required();

static KUBELET: Struct = Struct {
    name: "kubelet",
    groups: &[&[
        field(
            "config",
            KubeletConfig,
            "fields of KubeletConfiguration, as the node's version has them",
        ),
        field(
            "flags",
            KubeletFlags,
            "flags without their dashes, as the node's version has them",
        ),
    ]],
    told_by: "",
};

static OVERLAY_USE: Struct = Struct {
    name: "overlayUse",
    groups: &[&[field(
        "replace",
        Bool,
        "whether it may overwrite what earlier layers wrote",
    )
    .default("false")]],
    told_by: "",
};

/// The fields of a layer; `cluster.yaml`, its nodes and profiles have further ones of their own.
pub static LAYER_FIELDS: [Field; 23] = [
    field(
        "kubernetes",
        Text(&text::VERSION),
        "the kubelet's version: decides which fields, flags and labels exist",
    ),
    machine::OS_FIELD,
    machine::RUNTIME[0],
    machine::RUNTIME[1],
    machine::RUNTIME[2],
    machine::WHO[0],
    machine::WHO[1],
    machine::WHO[2],
    field("kubelet", Keys(&KUBELET), "what the kubelet is told"),
    field(
        "labels",
        Map(&Entries {
            key: &text::LABEL_KEY,
            value: Text(&text::LABEL_VALUE),
        }),
        "the node's labels",
    ),
    field(
        "taints",
        Map(&Entries {
            key: &text::TAINT,
            value: Text(&text::TAINT_VALUE),
        }),
        "the node's taints: key:effect and a value",
    ),
    field(
        "overlays",
        Map(&Entries {
            key: &text::OVERLAY_NAME,
            value: Keys(&OVERLAY_USE),
        }),
        "overlays that are laid over the node, in order",
    ),
    files::FIELDS[0],
    files::FIELDS[1],
    files::FIELDS[2],
    files::FIELDS[3],
    files::FIELDS[4],
    files::FIELDS[5],
    files::FIELDS[6],
    machine::AIRGAP_FIELD,
    field(
        "paths",
        Map(&Entries {
            key: &text::PATH_NAME,
            value: Text(&text::NAMED_PATH),
        }),
        "where generated files go, by name",
    ),
    field(
        "vars",
        Map(&Entries {
            key: &text::ANY,
            value: Any,
        }),
        "free values for templates",
    ),
    output::OUTPUT_FIELD,
];

/// Their keys.
pub static LAYER_KEYS: [&str; LAYER_FIELDS.len()] = keys(&LAYER_FIELDS);

static MERGED: Struct = Struct {
    name: "layer",
    // In the end some layer must have said it.
    groups: &[&[LAYER_FIELDS[0].required()], &LAYER_FIELDS],
    told_by: "",
};

/// All layers of a node, merged.
pub static LAYER: Shape = Keys(&MERGED);

static PROFILE_STRUCT: Struct = Struct {
    name: "profile",
    groups: &[
        &[
            API_VERSION,
            field("kind", Words(&["Profile"]), "what this file is").required(),
            field("description", Text(&text::ANY), "what it is for"),
            field(
                "extends",
                List(&Text(&text::PROFILE_NAME)),
                "other profiles, laid below this one",
            ),
        ],
        &LAYER_FIELDS,
    ],
    told_by: "",
};

/// `profiles/NAME.yaml`.
pub static PROFILE: Shape = Keys(&PROFILE_STRUCT);
