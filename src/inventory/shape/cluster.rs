//! `cluster.yaml`: the facts of the cluster, and its nodes.

use crate::inventory::shape::Shape::{
    self, Bool, Either, Integer, List, Struct as Keys, Text, Words,
};
use crate::inventory::shape::network::INTERFACES;
use crate::inventory::shape::{API_VERSION, LAYER_FIELDS, Struct, field, text};

static CLUSTER_STRUCT: Struct = Struct {
    name: "cluster",
    groups: &[
        &[
            API_VERSION,
            field("kind", Words(&["Cluster"]), "what this file is").required(),
            field(
                "name",
                Text(&text::CLUSTER_NAME),
                "the cluster's name: in kubeconfigs, token groups and cloud-init's instance-id",
            )
            .required(),
            field(
                "generation",
                Integer(0, i64::MAX),
                "raise it to provision nodes anew",
            )
            .default("1"),
            field(
                "apiServer",
                Keys(&API_SERVER),
                "the API server, as nodes see it",
            )
            .required(),
            field("network", Keys(&NETWORK), "addresses of services and pods"),
            field(
                "tokens",
                Keys(&TOKENS),
                "how bootstrap tokens are made, and what they may do",
            ),
            field("rbac", Keys(&RBAC), "what is special in the RBAC"),
            field(
                "profiles",
                List(&Text(&text::PROFILE_NAME)),
                "profiles of every node, in order",
            ),
            field("nodes", List(&NODE), "the nodes"),
            field(
                "nodesFrom",
                List(&Text(&text::CSV_FILE)),
                "files with one node a line",
            ),
        ],
        &LAYER_FIELDS,
    ],
    told_by: "",
};

static API_SERVER: Struct = Struct {
    name: "apiServer",
    groups: &[&[
        field(
            "url",
            Text(&text::HTTPS_URL),
            "as nodes reach it; IPv6 in brackets",
        )
        .required(),
        field(
            "endpoints",
            List(&Text(&text::HOST_AND_PORT)),
            "with a loopback url: the servers behind the proxy on each node",
        ),
        field(
            "ca",
            Text(&text::PEM_FILE),
            "the CA certificates, a file of the project; several during a rotation",
        )
        .required(),
        field(
            "version",
            Text(&text::VERSION),
            "its version, for the skew check; without it the newest kubelet's",
        ),
        field(
            "kubeletClientUser",
            Text(&text::CLUSTER_USER),
            "who it is when it calls a kubelet",
        )
        .default("\"kube-apiserver-kubelet-client\""),
    ]],
    told_by: "",
};

static NETWORK: Struct = Struct {
    name: "network",
    groups: &[&[
        field(
            "clusterDomain",
            Text(&text::DOMAIN),
            "the cluster's DNS domain",
        )
        .default("\"cluster.local\""),
        field(
            "clusterDNS",
            List(&Text(&text::ADDRESS)),
            "the DNS servers that pods use",
        ),
        field(
            "serviceCIDRs",
            List(&Text(&text::CIDR)),
            "ranges of service addresses",
        ),
        field(
            "podCIDRs",
            List(&Text(&text::CIDR)),
            "ranges of pod addresses",
        ),
    ]],
    told_by: "",
};

static TOKENS: Struct = Struct {
    name: "tokens",
    groups: &[&[
        field("ttl", Text(&text::DURATION), "how long a new token lives").default("\"24h\""),
        field(
            "shelfLife",
            Text(&text::DURATION),
            "how long a payload may lie before its node boots; ttl must cover it",
        )
        .default("\"0\""),
        field(
            "usages",
            List(&Words(&["authentication", "signing"])),
            "what tokens may do; signing only if you use cluster-info discovery",
        )
        .default("[\"authentication\"]"),
        field(
            "group",
            Text(&text::TOKEN_GROUP),
            "the group that RBAC is bound to, the same for all nodes",
        ),
        field(
            "nodeGroup",
            Text(&text::NODE_GROUP),
            "a group for each node, with {node}",
        )
        .default("\"system:bootstrappers:node:{node}\""),
        field(
            "recipients",
            List(&Text(&text::RECIPIENT)),
            "age1… or SSH public keys: the tokens are kept encrypted for them",
        ),
        field(
            "approval",
            Words(&["auto", "review"]),
            "whether client CSRs are approved by the controller, or only after `csr review`",
        )
        .default("\"review\""),
    ]],
    told_by: "",
};

static RBAC: Struct = Struct {
    name: "rbac",
    groups: &[&[field(
        "nodeServerRenewal",
        Bool,
        "whether two more objects of the old procedure are there, which no controller reads",
    )
    .default("false")]],
    told_by: "",
};

static RANGE_OF_NODES: Struct = Struct {
    name: "nodeRange",
    groups: &[
        &[
            field(
                "range",
                Keys(&RANGE),
                "many nodes whose names count, in the place of one name",
            )
            .required(),
            field(
                "profiles",
                List(&Text(&text::PROFILE_NAME)),
                "profiles beside the cluster's, after those",
            ),
        ],
        &LAYER_FIELDS,
    ],
    told_by: "range",
};

static RANGE: Struct = Struct {
    name: "range",
    groups: &[&[
        field(
            "names",
            Text(&text::NAME_RANGE),
            "names with one range in brackets; zeros as the first number has them",
        )
        .required(),
        field(
            "except",
            List(&Text(&text::NODE_NAME)),
            "names that are left out; their addresses stay free",
        ),
        field(
            "start",
            Either(&[Text(&text::ADDRESS), List(&Text(&text::ADDRESS))]),
            "the first node's address, or one for each family",
        ),
        field(
            "within",
            Text(&text::NODE_CIDR),
            "the network that all addresses must lie in",
        ),
    ]],
    told_by: "",
};

static ONE_NODE: Struct = Struct {
    name: "node",
    groups: &[
        &[
            field(
                "name",
                Text(&text::NODE_NAME),
                "the node's name, at most 63 characters; of a member of a range, to refine it",
            )
            .required(),
            field(
                "addresses",
                List(&Text(&text::ADDRESS)),
                "one IPv4, one IPv6 or one of each",
            ),
            field(
                "macs",
                List(&Text(&text::MAC)),
                "MAC addresses, by which machines that boot over the network are known",
            ),
            field(
                "profiles",
                List(&Text(&text::PROFILE_NAME)),
                "profiles beside the cluster's, after those",
            ),
            INTERFACES,
        ],
        &LAYER_FIELDS,
    ],
    told_by: "",
};

/// `cluster.yaml`.
pub static CLUSTER: Shape = Keys(&CLUSTER_STRUCT);
/// An item of `nodes`.
pub static NODE: Shape = Either(&[Keys(&RANGE_OF_NODES), Keys(&ONE_NODE)]);
