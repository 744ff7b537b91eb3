//! Every finding by its id: how bad it is by default, one line, and the family whose page explains it. An id names a
//! rule, not the line of code that checks it, and stays the same when the message gets better words.

mod id;

use crate::report::Severity;
use crate::report::Severity::{Error, Warning};

/// What the catalogue says of an id.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The id itself.
    pub id: Id,
    /// `kubelet-field-unknown`.
    pub name: &'static str,
    /// What it is unless the project says otherwise.
    pub severity: Severity,
    /// Why no setting makes it less than an error, where that is so.
    pub firm: Option<Firm>,
    /// What is wrong, in one line.
    pub summary: &'static str,
    /// The page that explains it.
    pub family: Family,
}

/// The rules in families, one page each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Family {
    /// The heading.
    pub title: &'static str,
    /// The page: `## id` above what explains one.
    pub page: &'static str,
}

/// Why an error stays one, whatever a project says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firm {
    /// It guards secrets or signatures.
    Guards,
    /// What it is about was not read, or cannot be written: a node would silently lack it, or could not be built.
    Breaks,
}

impl Firm {
    /// As a part of a sentence about the error.
    pub fn why(self) -> &'static str {
        match self {
            Self::Guards => "guards secrets or signatures",
            Self::Breaks => "means that something was not read or cannot be written",
        }
    }
}

macro_rules! firm {
    () => {
        None
    };
    (guards) => {
        Some(Firm::Guards)
    };
    (breaks) => {
        Some(Firm::Breaks)
    };
}

macro_rules! catalogue {
    ($($title:literal $page:literal { $($id:ident $name:literal $severity:ident $($firm:ident)? $summary:literal)+ })+) => {
        /// The rule that a finding is about.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Id {
            $($(#[doc = $summary] $id,)+)+
        }

        /// All of them, family by family, in the order of [`Id`].
        static ENTRIES: &[Entry] = &[
            $($(Entry {
                id: Id::$id,
                name: $name,
                severity: $severity,
                firm: firm!($($firm)?),
                summary: $summary,
                family: Family { title: $title, page: include_str!(concat!("pages/", $page, ".md")) },
            },)+)+
        ];
    };
}

catalogue! {
    "Files and their syntax" "files" {
        FileMissing "file-missing" Error breaks "A file that the project names is not there."
        FileUnreadable "file-unreadable" Error breaks "A file that the project names cannot be read."
        FileNotUtf8 "file-not-utf8" Error breaks "A text file is not UTF-8."
        ProjectMissing "project-missing" Error breaks "The folder has no cluster.yaml."
        YamlInvalid "yaml-invalid" Error breaks "A file is not valid YAML."
        YamlKeyRepeated "yaml-key-repeated" Error breaks "A map has the same key twice."
        CsvInvalid "csv-invalid" Error breaks "A table of nodes is not valid CSV, or no list of nodes."
        CsvColumnUnknown "csv-column-unknown" Error "A table of nodes has a column that no field reads."
        CsvColumnRepeated "csv-column-repeated" Error breaks "Two columns of a table set the same value of a node."
        CsvColumnMissing "csv-column-missing" Error breaks "A table of nodes has no column for the names."
        FieldUnknown "field-unknown" Error "A map has a field that nodebake does not know."
        FieldMissing "field-missing" Error breaks "A required field is missing."
        FieldsExclusive "fields-exclusive" Error breaks "Fields that exclude one another are set together, or none of them is."
        ValueTypeWrong "value-type-wrong" Error breaks "A value is of another type than its field."
        ValueOutOfRange "value-out-of-range" Error breaks "A number is outside the range of its field."
        ValueNotAChoice "value-not-a-choice" Error breaks "A word is not one of those that the field takes."
        FindingGuarded "finding-guarded" Error guards "A setting would make an error less that cannot be accepted."
        FindingReasonMissing "finding-reason-missing" Error breaks "A finding is accepted without a reason."
        FindingUnknown "finding-unknown" Error breaks "A setting names a finding that does not exist."
        ListEmpty "list-empty" Error breaks "A list that needs an entry is empty."
    }
    "Values" "values" {
        AddressInvalid "address-invalid" Error breaks "A text is not a valid IP address."
        CidrInvalid "cidr-invalid" Error breaks "A text is not a valid network in CIDR notation."
        DigestInvalid "digest-invalid" Error breaks "A text is not a valid SHA-256 digest."
        DurationInvalid "duration-invalid" Error breaks "A text is not a valid duration."
        FileModeInvalid "file-mode-invalid" Error breaks "A file mode is not a valid octal mode."
        GlobInvalid "glob-invalid" Error breaks "A pattern is not a valid glob."
        HostPortInvalid "host-port-invalid" Error breaks "A text is not a valid HOST:PORT."
        MacInvalid "mac-invalid" Error breaks "A text is not a valid MAC address."
        NameInvalid "name-invalid" Error breaks "A name has characters that its kind does not allow."
        OwnerInvalid "owner-invalid" Error breaks "A file's owner is not a valid user or group."
        PathInvalid "path-invalid" Error breaks "A path on the node is not absolute and normalised."
        QuantityInvalid "quantity-invalid" Error breaks "A text is not a valid amount of memory."
        SshKeyInvalid "ssh-key-invalid" Error guards "A text is not an SSH public key."
        UnitNameInvalid "unit-name-invalid" Error breaks "A text is not a valid name of a systemd unit."
        UrlInvalid "url-invalid" Error breaks "A text is not a valid URL for its field."
        VersionInvalid "version-invalid" Error breaks "A text is not a valid version."
    }
    "Cluster and nodes" "cluster" {
        ApiServerUrlInCluster "api-server-url-in-cluster" Error "The API server's address is in the service network."
        ApiServerUrlLocal "api-server-url-local" Warning "apiServer.url is each node itself, and no proxy is declared there."
        ApiProxyElsewhere "api-proxy-elsewhere" Error "The API server proxy of each node listens at an address that is not the node."
        ApiProxyWithoutServers "api-proxy-without-servers" Error "The API server proxy of each node has no servers behind it."
        ClusterDnsDiffers "cluster-dns-differs" Warning "A kubelet is told a DNS server that is not the cluster's."
        ClusterDomainDiffers "cluster-domain-differs" Warning "A kubelet is told another DNS domain than the cluster's."
        ControlPlaneDoubtful "control-plane-doubtful" Warning "The control plane could serve nodes better."
        ControlPlaneFileInvalid "control-plane-file-invalid" Error breaks "A file is not a manifest of the control plane."
        ControlPlaneUnfit "control-plane-unfit" Error "The control plane lacks what nodes need to join or to be reached."
        DnsAddressTaken "dns-address-taken" Error "The cluster DNS address is one that no DNS service can have."
        DnsOutsideServices "dns-outside-services" Warning "The cluster DNS address is in none of the service networks."
        GenerationNotRaised "generation-not-raised" Warning "New user-data has the generation of the bundle before, so cloud-init skips it."
        HostnameInvalid "hostname-invalid" Error "A host name is not one that a machine takes."
        InterfaceInvalid "interface-invalid" Error breaks "Settings of a network interface contradict one another."
        InterfaceUnknown "interface-unknown" Error breaks "An interface names another one that the node does not have."
        GatewayUnreachable "gateway-unreachable" Error "A gateway is in none of the interface's networks."
        KubernetesUnknown "kubernetes-unknown" Error breaks "The Kubernetes version is outside the range that nodebake knows."
        AnnotationInvalid "annotation-invalid" Error breaks "An annotation has a key or a size that the API server refuses."
        LabelInvalid "label-invalid" Error breaks "A label is not a valid Kubernetes label."
        MacMissing "mac-missing" Error breaks "A node boots over the network and has no MAC address."
        MacRepeated "mac-repeated" Error "Two nodes or interfaces have the same MAC address."
        MacUnknown "mac-unknown" Error "An interface's MAC address is not one of the node's."
        NetworksOverlap "networks-overlap" Error "Two networks of the cluster overlap."
        NodeAddressInCluster "node-address-in-cluster" Error "A node's address is inside the service network."
        NodeAddressInPods "node-address-in-pods" Warning "A node's address is inside the pod network."
        NodeAddressFamily "node-address-family" Error "A node has no address of the cluster's IP family."
        NodeAddressRepeated "node-address-repeated" Error "Two nodes have the same address."
        NodeAddressUnusable "node-address-unusable" Error "An address cannot be the address of a node."
        NodeNameInvalid "node-name-invalid" Error breaks "A name is not a valid node name."
        NodeRepeated "node-repeated" Error breaks "Two nodes have the same name."
        CertSanInvalid "cert-san-invalid" Error breaks "An item of certSANs is neither a DNS name nor an address."
        CertSanForeign "cert-san-foreign" Error breaks "An item of certSANs belongs to another node."
        ServingNetworkUnsafe "serving-network-unsafe" Error guards "A network of servingNetworks may have addresses of services or pods."
        ServingNetworkUnused "serving-network-unused" Warning "Nodes have servingNetworks and ask for no serving certificate."
        UnmanagedNodeSetting "unmanaged-node-setting" Error "A setting has no effect on a node that is not managed."
        NodesMissing "nodes-missing" Error breaks "The project has no nodes."
        PodsWithoutAddresses "pods-without-addresses" Warning "A node may have more pods than addresses for them."
        RangeInvalid "range-invalid" Error breaks "A text is not a valid range of names."
        RangeExceptUnknown "range-except-unknown" Error "An exception of a range is not in the range."
        RangeAddressesShort "range-addresses-short" Error breaks "The addresses of a range run out before its names do."
        TaintInvalid "taint-invalid" Error breaks "A taint is not a valid Kubernetes taint."
        VersionSkew "version-skew" Error "A kubelet is too new or too old for the API server."
    }
    "Network interfaces" "interfaces" {
        BondMacOpen "bond-mac-open" Warning "A bond gets its addresses by DHCP, and its MAC address is open."
        BondOptionUnused "bond-option-unused" Warning "An option of a bond has no effect in its mode."
        BondPortMtu "bond-port-mtu" Warning "A port of a bond has another MTU than the bond."
        BondPrimaryByMac "bond-primary-by-mac" Warning "NetworkManager may not find a bond's primary port by its MAC address."
        BondTargetUnusable "bond-target-unusable" Error "A machine that a bond asks by ARP cannot answer."
        BondUnwatched "bond-unwatched" Warning "A bond does not see that a port has lost its link."
        BridgeMacOpen "bridge-mac-open" Warning "A bridge gets its addresses by DHCP, and its MAC address is open."
        BridgeOptionUnused "bridge-option-unused" Warning "An option of a bridge has no effect."
        BridgePortMtu "bridge-port-mtu" Warning "A port of a bridge has a smaller MTU than the bridge."
        CloudInitNetworkUnsupported "cloud-init-network-unsupported" Error "The image's cloud-init leaves out a part of the node's network."
        CloudInitSettingUnsupported "cloud-init-setting-unsupported" Warning "The image's cloud-init leaves out a setting of an interface."
        DefaultRouteDynamic "default-route-dynamic" Warning "A gateway competes with the one that the network may announce."
        DefaultRouteRepeated "default-route-repeated" Error "A node has two default routes of one family with the same metric."
        DnsFamilyUnspoken "dns-family-unspoken" Warning "A DNS server is of a family that the node does not speak."
        DnsSearchInvalid "dns-search-invalid" Error breaks "A search domain is not a valid domain."
        DnsServerLoopback "dns-server-loopback" Warning "A DNS server of a node is the node itself."
        DnsServerUnusable "dns-server-unusable" Error "A DNS server's address cannot be the address of a machine."
        DnsServersMany "dns-servers-many" Warning "There are more DNS servers or search domains than programs use."
        GatewayUnusable "gateway-unusable" Error "A gateway's address cannot be the address of a router."
        GatewayWithoutAddress "gateway-without-address" Error "A gateway is on an interface without an address of its family."
        InterfaceAddressAnycast "interface-address-anycast" Warning "A static address is the anycast address of its network's routers."
        InterfaceAddressRepeated "interface-address-repeated" Error "Two interfaces have the same static address."
        InterfaceAddressUnusable "interface-address-unusable" Error "A static address cannot be the address of a machine."
        InterfaceInServices "interface-in-services" Error "An interface uses an address of the service network."
        InterfaceNameReserved "interface-name-reserved" Error "The kernel or systemd reserves the name of an interface."
        InterfaceNameTaken "interface-name-taken" Warning "An interface is called as devices of pod networks are."
        InterfaceNetworkHidden "interface-network-hidden" Warning "An interface's network has a network of the cluster inside."
        InterfaceNetworkShared "interface-network-shared" Warning "Two interfaces of a node are in one network."
        InterfacePrefixesDiffer "interface-prefixes-differ" Warning "Two nodes give one network different prefixes."
        InterfaceWireless "interface-wireless" Warning "An interface is a wireless card."
        InterfacesUnused "interfaces-unused" Warning "Nobody reads the interfaces of a node."
        MacUnusable "mac-unusable" Error "A MAC address cannot be the address of one port."
        MtuInvalid "mtu-invalid" Error breaks "An MTU is outside the bounds of the kernel or of IPv6."
        NetworkSettingUnsupported "network-setting-unsupported" Error "The node's network manager cannot do what an interface asks for."
        NodeAddressOnNoInterface "node-address-on-no-interface" Error "None of the node's interfaces has the node's address."
        RouteFamiliesMixed "route-families-mixed" Error "A route's network and its gateway are of different families."
        RouteRepeated "route-repeated" Error "A node has two routes to one network with the same metric."
        RoutingRuleRepeated "routing-rule-repeated" Error "Two routing rules of a node have the same priority."
        RoutingTableUnconnected "routing-table-unconnected" Warning "A routing table has no rule that leads to it, or no routes."
        VlanMtuAboveParent "vlan-mtu-above-parent" Error "A VLAN has a larger MTU than the interface that carries it."
        VlanRepeated "vlan-repeated" Error "Two VLANs of one interface have the same id."
    }
    "Profiles, overlays and templates" "layers" {
        FileNotRendered "file-not-rendered" Warning "A file that is installed as it is has a template in it."
        OsProfilesMixed "os-profiles-mixed" Warning "A node has profiles of two operating systems."
        OverlayFileInvalid "overlay-file-invalid" Error breaks "A file of an overlay cannot be used."
        OverlayMissing "overlay-missing" Error breaks "A name is not an overlay of the project or a built-in one."
        OverlayRuleUnused "overlay-rule-unused" Error "A pattern in overlay.yaml matches no file."
        OverlayVersionUnsupported "overlay-version-unsupported" Error "An overlay is not for the node's Kubernetes version."
        ProfileCycle "profile-cycle" Error breaks "Profiles extend each other in a circle."
        ProfileMissing "profile-missing" Error breaks "A name is not a profile of the project or a built-in one."
        PathNameUnknown "path-name-unknown" Error "A name of paths is read by nothing."
        PathSettingMissing "path-setting-missing" Error breaks "No layer sets a path that every node needs."
        TemplateFailed "template-failed" Error breaks "A template cannot be parsed or rendered."
        TemplateTagUnsupported "template-tag-unsupported" Error breaks "A template uses a tag that cannot be used here, or too many of one."
        TemplateVariableUnknown "template-variable-unknown" Error breaks "A template uses a variable that is not defined."
    }
    "The kubelet" "kubelet" {
        ContainerdVersionUnsupported "containerd-version-unsupported" Error "The kubelet and containerd do not speak the same version of CRI."
        CgroupVersionUnsupported "cgroup-version-unsupported" Error "The kubelet does not start on the node's version of control groups."
        KubeletAddressForeign "kubelet-address-foreign" Error "The kubelet is told an address that the node does not have."
        KubeletAddressInvalid "kubelet-address-invalid" Error "An address that the kubelet is given cannot be used."
        KubeletCannotJoin "kubelet-cannot-join" Error "The kubelet has no way to get its first certificate."
        KubeletCgroupMissing "kubelet-cgroup-missing" Warning "Nothing makes a control group that the kubelet needs when it starts."
        KubeletAnonymous "kubelet-anonymous" Error "The kubelet answers requests without credentials."
        KubeletAuthorizationOpen "kubelet-authorization-open" Error "The kubelet lets every caller do everything."
        KubeletClientCaMissing "kubelet-client-ca-missing" Error "The kubelet has no CA for clients, so it knows nobody."
        KubeletDebuggingOpen "kubelet-debugging-open" Error "Everybody can run commands in containers."
        KubeletReadOnlyPort "kubelet-read-only-port" Error "The kubelet has a port without authentication."
        KubeletRotationOff "kubelet-rotation-off" Error "The kubelet does not renew its client certificate."
        KubeletTlsWeak "kubelet-tls-weak" Error "The kubelet takes a broken TLS version or cipher."
        KubeletUnreachable "kubelet-unreachable" Error "The kubelet listens where only its own node reaches it."
        KubeletCgroupsInvalid "kubelet-cgroups-invalid" Error "Settings of the kubelet's control groups contradict one another."
        KubeletConfigUnread "kubelet-config-unread" Error "The kubelet is not told to read its configuration."
        KubeletCredentialProviderInvalid "kubelet-credential-provider-invalid" Error "The kubelet ends over its configuration of credential providers."
        KubeletDropInInvalid "kubelet-drop-in-invalid" Error "The kubelet ends over a drop-in of config-dir, or reads it otherwise than it is meant."
        KubeletDropInUnread "kubelet-drop-in-unread" Warning "The kubelet does not read a file of config-dir."
        KubeletEndpointInvalid "kubelet-endpoint-invalid" Error "The socket of the container runtime is not written as the kubelet takes it."
        KubeletManagerInvalid "kubelet-manager-invalid" Error "The kubelet does not know this policy or mode."
        KubeletEvictionInvalid "kubelet-eviction-invalid" Error "An eviction threshold of the kubelet is not valid."
        KubeletFeatureNeedsGate "kubelet-feature-needs-gate" Error "A kubelet setting needs a feature gate that is off."
        KubeletFieldUnsupported "kubelet-field-unsupported" Warning "A profile sets something that the node's kubelet does not have yet."
        KubeletFieldUnknown "kubelet-field-unknown" Error "The node's Kubernetes version has no such kubelet field or flag."
        KubeletFieldType "kubelet-field-type" Error "A kubelet setting has a value of the wrong type."
        KubeletFieldRange "kubelet-field-range" Error "A kubelet setting is outside the range that the kubelet accepts."
        KubeletFieldsConflict "kubelet-fields-conflict" Error "Kubelet settings contradict one another."
        KubeletFlagDeprecated "kubelet-flag-deprecated" Warning "A kubelet flag is deprecated, and there is another way to say the same."
        KubeletFlagInvalid "kubelet-flag-invalid" Error "A kubelet flag is not written as the kubelet takes it."
        KubeletFlagReserved "kubelet-flag-reserved" Error breaks "A kubelet setting that nodebake makes itself is set by hand too."
        KubeletGateConflict "kubelet-gate-conflict" Error "A feature gate is on that needs another one, which is off."
        KubeletGateDropped "kubelet-gate-dropped" Warning "A feature gate has no effect any more, or will be dropped."
        KubeletGateLocked "kubelet-gate-locked" Error "A feature gate cannot be set to this value."
        KubeletGateUnknown "kubelet-gate-unknown" Error "The node's Kubernetes version has no such feature gate."
        KubeletImageGcInvalid "kubelet-image-gc-invalid" Error "Settings of the kubelet's image garbage collection are not valid."
        KubeletImagePullInvalid "kubelet-image-pull-invalid" Error "Settings of the kubelet's image pulls are not valid."
        KubeletLoggingInvalid "kubelet-logging-invalid" Error "A logging or tracing setting of the kubelet is not valid."
        KubeletNameDiffers "kubelet-name-differs" Error "The kubelet registers under another name than the node's."
        KubeletNotStarted "kubelet-not-started" Error "Nothing on the node starts a kubelet that joins the cluster."
        KubeletPathRelative "kubelet-path-relative" Error "A path that the kubelet is given would be looked up below /."
        KubeletReservedInvalid "kubelet-reserved-invalid" Error "Resources that are reserved from pods are not written as the kubelet takes them."
        KubeletReservedTooMuch "kubelet-reserved-too-much" Error "More is reserved from pods than the machine has."
        KubeletServingCertificateFixed "kubelet-serving-certificate-fixed" Warning "A serving certificate in a file is not renewed though the kubelet asks for one."
        KubeletSettingOverridden "kubelet-setting-overridden" Warning "A kubelet setting has no effect because another layer of settings wins."
        KubeletShutdownInvalid "kubelet-shutdown-invalid" Error "A grace period of the shutdown is not valid."
        KubeletStandalone "kubelet-standalone" Error "The kubelet is not told where the API server is."
        KubeletSwapConflict "kubelet-swap-conflict" Warning "Settings for swap contradict one another."
        KubeletSysctlInvalid "kubelet-sysctl-invalid" Error "A default sysctl of pods is not valid."
        KubeletTlsInvalid "kubelet-tls-invalid" Error "A TLS setting of the kubelet is not valid."
        KubeletWatchdogShort "kubelet-watchdog-short" Error "The kubelet refuses the watchdog of its unit."
        KubeletWordUnknown "kubelet-word-unknown" Error "A kubelet flag has a word that this version does not know."
        RuntimeDisagrees "runtime-disagrees" Error "The kubelet and containerd are configured differently."
        ShutdownDelayShort "shutdown-delay-short" Warning "logind ends the shutdown before the kubelet's grace period does."
        KernelSettingDisagrees "kernel-setting-disagrees" Error "A sysctl file sets what protectKernelDefaults refuses."
    }
    "Identities and tokens" "identity" {
        ApprovalTokenLong "approval-token-long" Warning "Tokens live longer than a day and requests are approved automatically."
        ApprovalUndone "approval-undone" Warning "Requests are approved by kubeadm's own bindings before they are reviewed."
        ApproverEnds "approver-ends" Warning "The approver soon approves nothing any more."
        ApproverInvalid "approver-invalid" Error breaks "A setting of the approver is not valid."
        ApproverKeyMissing "approver-key-missing" Error guards "The approver has no key to verify with what it decides by."
        ApproverMissing "approver-missing" Error breaks "Requests are left to an approver that is not there."
        BootstrapGroupInvalid "bootstrap-group-invalid" Error breaks "A group of bootstrap tokens is not valid."
        CaInvalid "ca-invalid" Error guards "The cluster CA is not a usable CA certificate."
        CaHoldsKey "ca-holds-key" Error guards "The CA file holds a private key."
        CaQuestionable "ca-questionable" Warning "The cluster CA ends soon, or has parts that nodes do not need."
        CaKeyInvalid "ca-key-invalid" Error guards "The key of the CA cannot be used."
        CertificateMissing "certificate-missing" Error breaks "A node's certificate is missing."
        CertificateInvalid "certificate-invalid" Error breaks "A node's certificate does not fit the node."
        CertificateForeign "certificate-foreign" Warning "A node's certificate was not issued by the cluster CA."
        IdentityConflict "identity-conflict" Error "A kubelet setting contradicts the identity that the node gets."
        IdentityReserved "identity-reserved" Error breaks "A kubeconfig asks for the identity of the node itself."
        KubeconfigAllPowerful "kubeconfig-all-powerful" Warning "A kubeconfig on a node may do everything in the cluster."
        KubeconfigGroupsDiffer "kubeconfig-groups-differ" Error "Two kubeconfigs give one user different groups."
        TokenExpired "token-expired" Error breaks "A node's token has expired, or expires before the payload may still boot."
        TokenMissing "token-missing" Error breaks "A node has no bootstrap token."
        TokenRevoked "token-revoked" Error breaks "A node's token was revoked."
        TokenRevokedSkipped "token-revoked-skipped" Warning "A node whose token was revoked gets no new one by itself."
        TokenTtlShort "token-ttl-short" Error "Tokens end before payloads may no longer boot."
        TokenUsagesInvalid "token-usages-invalid" Error "Tokens lack a usage that the kubelet needs."
    }
    "Secrets and who may read them" "secrets" {
        AgeIdentityInvalid "age-identity-invalid" Error guards "An age identity cannot be used."
        AgeRecipientInvalid "age-recipient-invalid" Error guards "A recipient of the tokens is not valid."
        FileExposed "file-exposed" Error guards "Others may read or change a file that must be private."
        FileOwnerForeign "file-owner-foreign" Error guards "A private file belongs to another user."
        FolderExposed "folder-exposed" Error guards "Others may exchange files in a folder of secrets."
        MetadataReadable "metadata-readable" Warning "Pods can read the node's user-data, which has secrets in it."
        PrivateKeyExposed "private-key-exposed" Error guards "A private key would be put where others can read it."
        RecipientsMissing "recipients-missing" Error guards "Tokens shall be encrypted, and there are no recipients."
        SealingImpossible "sealing-impossible" Error guards "A secret cannot be sealed to a TPM."
        SealingSeedMissing "sealing-seed-missing" Error guards "Secrets are sealed, and there is no seed to seal them with."
        SealingSystemdOld "sealing-systemd-old" Error "The image's systemd is too old to open sealed secrets."
        SecretsAmbiguous "secrets-ambiguous" Error guards "There are both plain and encrypted tokens."
        SecretsInvalid "secrets-invalid" Error guards "The secrets file is not valid."
        SecretsLocked "secrets-locked" Error guards "The secrets file is encrypted and cannot be opened."
        SecretsPlain "secrets-plain" Error guards "Tokens are not encrypted although they should be."
        SecretsUnreachable "secrets-unreachable" Error guards "A node's secrets reach it by no way, or by one that others can read."
        TokenIdsInvalid "token-ids-invalid" Error guards "The file that requests are reviewed by is not valid."
        TokenIdsMissing "token-ids-missing" Error guards "Requests cannot be reviewed without the ids of the tokens."
        TokenIdsPartial "token-ids-partial" Warning "Some nodes have no token, so their requests are left alone."
        TpmKeyInvalid "tpm-key-invalid" Error guards "The public part of a TPM's storage key is not valid."
        TpmKeyMissing "tpm-key-missing" Error guards "Secrets are sealed, and the TPM of a node's machine is not known."
        TpmKeyRepeated "tpm-key-repeated" Error "Two nodes have the same TPM."
    }
    "Signing and the bundle" "signing" {
        BundleExpired "bundle-expired" Warning "What nodes need to join has expired."
        BundleExposed "bundle-exposed" Warning "Others may read files with secrets in the bundle."
        BundleLeftovers "bundle-leftovers" Warning "A killed build left a folder beside the bundle."
        PublicKeyInvalid "public-key-invalid" Error guards "The public key is missing or cannot be read."
        PublicKeyMismatch "public-key-mismatch" Error guards "The public key is not of the signing key's pair."
        SignatureStale "signature-stale" Warning "The signature of another signer went with the old bundle."
        SigningKeyExposed "signing-key-exposed" Error guards "Others may read or change the signing key."
        SigningKeyInvalid "signing-key-invalid" Error guards "The signing key is not an Ed25519 key in PEM."
        SigningKeyMissing "signing-key-missing" Error guards "The signing key is missing."
        TreeCheckUnsigned "tree-check-unsigned" Error guards "The node checks its signed tree, and this build signs none."
    }
    "Verifying bundles and payloads" "verify" {
        VerifyEndsEarly "verify-ends-early" Error guards "What nodes need to join ends before the time that was asked for."
        VerifyExchangeUnfinished "verify-exchange-unfinished" Error guards "The exchange of two bundles was interrupted."
        VerifyFileChanged "verify-file-changed" Error guards "A file is not the one that was signed."
        VerifyFileExtra "verify-file-extra" Error guards "Something is there that was not signed."
        VerifyFileForeign "verify-file-foreign" Error guards "A file is not one of the bundle's."
        VerifyFileMissing "verify-file-missing" Error guards "Something that was signed is missing."
        VerifyFileUnreadable "verify-file-unreadable" Error guards "A file cannot be read, or is not a regular file."
        VerifyGenerationOld "verify-generation-old" Error guards "The bundle is older than the generation that was asked for."
        VerifyListInvalid "verify-list-invalid" Error guards "SHA256SUMS cannot be read as a list of digests."
        VerifyManifestDisagrees "verify-manifest-disagrees" Error guards "bundle.json, index.json and SHA256SUMS contradict one another."
        VerifyManifestInvalid "verify-manifest-invalid" Error guards "bundle.json or index.json cannot be used."
        VerifyPayloadDiffers "verify-payload-differs" Error guards "A payload installs something else than what was signed for the node."
        VerifyPayloadSaysMore "verify-payload-says-more" Error guards "A payload does more than install the signed files."
        VerifyPayloadUnfit "verify-payload-unfit" Error guards "A file is not a payload that can be verified by itself."
        VerifySignature "verify-signature" Error guards "A signature is missing or is not of this key."
        VerifyTreeInvalid "verify-tree-invalid" Error guards "The signed list in a payload cannot be used."
    }
    "Files, units and images on the node" "tree" {
        ArchiveInvalid "archive-invalid" Error breaks "An archive cannot be unpacked as asked."
        ArchiveMemberMissing "archive-member-missing" Error breaks "A path is not in the archive."
        AssetDigestMismatch "asset-digest-mismatch" Error guards "A file's digest is not the one in the inventory."
        AssetDigestMissing "asset-digest-missing" Error breaks "A map of digests has none for the file of a node."
        AssetInvalid "asset-invalid" Error breaks "A path is a folder, and an asset is a file."
        AssetForOtherMachine "asset-for-other-machine" Error "A program is for another machine architecture."
        AssetVersionMismatch "asset-version-mismatch" Error "A program is of another version than the inventory says."
        AssetVersionUnknown "asset-version-unknown" Warning "A kubelet does not say which version it is."
        ImageArchiveInvalid "image-archive-invalid" Error breaks "An archive of container images cannot be used."
        ImageAlwaysPulled "image-always-pulled" Error "A static pod pulls its image at each start, and no registry is there."
        ImageMissing "image-missing" Error "A static pod's image is neither in the payload nor behind a mirror."
        PathForbidden "path-forbidden" Error breaks "A path must not be written on a node."
        PathReadOnly "path-read-only" Error "A path is on a read-only file system of the node."
        PathWrittenTwice "path-written-twice" Error breaks "Two layers write the same path."
        PermissionsUnused "permissions-unused" Error "A mode or an owner is set for a file that nothing writes."
        ProgramElsewhere "program-elsewhere" Error "A unit starts a program at another path than the payload has it."
        RemovalUnused "removal-unused" Warning "A null removes a path that neither a layer nor an overlay has."
        RegistryCaInvalid "registry-ca-invalid" Error guards "The CA of a registry is not a certificate."
        RegistryPlainHttp "registry-plain-http" Warning "Images travel without encryption."
        RegistryUnverified "registry-unverified" Warning "The certificate of a registry is not checked."
        RegistryLoginInvalid "registry-login-invalid" Error guards "A file does not hold the login to a registry."
        RuntimeSettingUnread "runtime-setting-unread" Error "The node's runtime does not read a setting that is for containerd."
        TimeServersMissing "time-servers-missing" Error "An overlay for the time has no servers."
        TimeServersUnused "time-servers-unused" Warning "Nothing reads the servers of time."
        KubeProxyDisagrees "kube-proxy-disagrees" Error "kube-proxy has another node name or pod network than the node."
        RegistrySettingUnread "registry-setting-unread" Error "The node's containerd cannot be told a setting of a registry."
        RegistryLoginSpreads "registry-login-spreads" Error "The node's containerd sends a login to further servers."
        RegistriesUnused "registries-unused" Error "containerd's configuration does not read the registries."
        SwapOffConflict "swap-off-conflict" Warning "An overlay keeps swap off, and the kubelet is told to use it."
        UnitClash "unit-clash" Error breaks "A unit and a file are at the same path."
        UnitInvalid "unit-invalid" Error "systemd would not load this unit."
        UnitKeyMisspelt "unit-key-misspelt" Error "systemd ignores a key that is misspelt or in the wrong section."
        UnitKeyUnknown "unit-key-unknown" Warning "systemd may not know a key of this unit."
        UnitMaskedAndUsed "unit-masked-and-used" Error "A masked unit has a text or is enabled."
        UnitNotInstallable "unit-not-installable" Error "A unit is enabled, and nothing would start it."
        UnitSectionUnknown "unit-section-unknown" Error "systemd ignores a section of this unit."
        UnitSyntaxInvalid "unit-syntax-invalid" Error "A line of a unit is neither a section nor an assignment."
        UnitValueInvalid "unit-value-invalid" Error "A key of a unit has a value that systemd does not take."
        UserInvalid "user-invalid" Error breaks "A user cannot be created as asked."
        UserPasswordInvalid "user-password-invalid" Error guards "A file does not hold the hash of a user's password."
        UsersNotCreated "users-not-created" Warning "No output format of the node creates users."
    }
    "Files that programs of the node read" "host-files" {
        CniConfigInvalid "cni-config-invalid" Error "The runtime cannot read the configuration of the pods' network."
        ContainerdConfigInvalid "containerd-config-invalid" Error "containerd does not start with its configuration."
        ContainerdCriOff "containerd-cri-off" Error "containerd's configuration switches off the plugin that the kubelet talks to."
        ContainerdKeyUnknown "containerd-key-unknown" Warning "containerd ignores a key of its configuration."
        ContainerdKeyUnread "containerd-key-unread" Error "containerd does not read a setting in a file of this version."
        KeyfileInvalid "keyfile-invalid" Error "NetworkManager refuses a connection, or ignores a setting of it."
        KeyfileKeyUnknown "keyfile-key-unknown" Warning "NetworkManager may not know a key of a connection."
        NetplanFileOpen "netplan-file-open" Warning "netplan warns of a file of its own that others may read."
        NetplanInterfaceUnknown "netplan-interface-unknown" Error "A netplan file names an interface that netplan does not know there."
        NetplanInvalid "netplan-invalid" Error "netplan refuses a file, and configures nothing."
        NetworkFileInvalid "network-file-invalid" Error "systemd-networkd or udev ignores a line of a file, or all of it."
        NetworkFileKeyUnknown "network-file-key-unknown" Warning "systemd-networkd or udev may not know a key of a file."
        NetworkFileUnused "network-file-unused" Error "A file of systemd-networkd or udev does nothing."
        ProgramNotExecutable "program-not-executable" Error "A unit starts a file that is not executable."
        RegistryHostsInvalid "registry-hosts-invalid" Error "containerd cannot read a registry's hosts.toml."
        ResolverUnreachable "resolver-unreachable" Error "Pods get a DNS server that they cannot reach."
        ScriptInvalid "script-invalid" Error "The kernel or the shell cannot run a script."
        SettingsFileKeyUnknown "settings-file-key-unknown" Warning "The program that reads a file of settings may not know a key of it."
        SettingsFileInvalid "settings-file-invalid" Error "The program that reads a file of settings refuses it, or a line of it."
        StaticPodFieldMisspelt "static-pod-field-misspelt" Error "The kubelet passes over a field of a static pod that is misspelt."
        StaticPodFieldUnknown "static-pod-field-unknown" Warning "The kubelet passes over a field of a static pod."
        StaticPodInvalid "static-pod-invalid" Error "The kubelet does not run what a file of static pods holds."
        StaticPodReference "static-pod-reference" Error "A static pod refers to objects of the API, so the kubelet does not run it."
        StaticPodRepeated "static-pod-repeated" Error "Two files hold a static pod of the same name or UID."
        StaticPodStray "static-pod-stray" Error "The kubelet runs a file as a static pod that looks like a backup."
        StaticPodUnmirrored "static-pod-unmirrored" Warning "The API server refuses the mirror of a static pod."
    }
    "Output formats" "output" {
        AssetsUrlMissing "assets-url-missing" Error breaks "Assets are fetched, and no URL says from where."
        CloudInitConflict "cloud-init-conflict" Error breaks "Settings of cloud-init cannot be had together."
        CredentialTooLarge "credential-too-large" Error breaks "A systemd credential is too large."
        FileTooLarge "file-too-large" Error breaks "A file is too large for the format."
        FormatProgramMissing "format-program-missing" Error "The node's image has not what the format needs."
        IgnitionConfigInvalid "ignition-config-invalid" Error breaks "An Ignition configuration of the user cannot be read."
        IgnitionMergeConflict "ignition-merge-conflict" Error breaks "An Ignition configuration of the user writes what the node's tree writes too."
        IgnitionPathImpossible "ignition-path-impossible" Error breaks "Ignition cannot write this path."
        IgnitionSecretsNotFetched "ignition-secrets-not-fetched" Error "A URL for secrets is set, and no secrets are fetched."
        IgnitionSpecTooOld "ignition-spec-too-old" Error breaks "The Ignition specification is too old for what the node needs."
        IgnitionUnitImpossible "ignition-unit-impossible" Error breaks "Ignition cannot write this unit."
        InitramfsPathTaken "initramfs-path-taken" Error breaks "The initramfs payload has a file of its own at this path."
        MemoryTooSmall "memory-too-small" Error "The machine has less memory than its root in the initramfs needs."
        KernelArgumentInvalid "kernel-argument-invalid" Error breaks "A kernel argument cannot be passed on."
        KernelArgumentsIgnored "kernel-arguments-ignored" Warning "A format does not set kernel arguments."
        KernelCommandLineLong "kernel-command-line-long" Error "The kernel's command line is too long."
        PayloadTooLarge "payload-too-large" Error breaks "A payload is larger than where it goes to takes."
        PxeLoaderUnfit "pxe-loader-unfit" Error "A boot loader cannot do what the URLs ask for."
        PxeUrlsDiffer "pxe-urls-differ" Error "Nodes disagree where the bundle is served."
        PxeWithoutInitramfs "pxe-without-initramfs" Error breaks "Machines boot over the network, and there is no payload for that."
        SysextOutside "sysext-outside" Error breaks "A system extension cannot hold a path outside /usr and /opt."
        UserDataPartInvalid "user-data-part-invalid" Error breaks "A part of user-data cannot be used."
    }
    "Importing a cluster" "import" {
        ImportDisagreement "import-disagreement" Warning "Two sources say different things about the cluster."
        ImportFieldLeftOut "import-field-left-out" Warning "A setting is not imported, as the kubelet's version does not have it."
        ImportInvalid "import-invalid" Error breaks "A file is not what import reads."
        ImportKindUnknown "import-kind-unknown" Warning "An object is of a kind that import does not read."
        ImportNodeSkipped "import-node-skipped" Warning "A node is left out, or not built."
        ImportNodeUnknown "import-node-unknown" Error breaks "The settings of a kubelet do not name their node."
    }
}

impl Entry {
    /// What explains the rule: its section of the family's page, without the heading.
    pub fn page(&self) -> Option<&'static str> {
        let heading = format!("## {}\n", self.name);
        let begin = self.family.page.find(&heading)? + heading.len();
        let section = &self.family.page[begin..];
        let end = section.find("\n## ").unwrap_or(section.len());
        Some(section[..end].trim())
    }

    /// Whether the line may be shown that the finding is about. It may not where it could hold what is secret: in a rule
    /// that guards secrets, and in a line of a unit that is no known setting.
    pub fn may_quote(&self) -> bool {
        self.firm != Some(Firm::Guards)
            && !matches!(self.id, Id::UnitKeyUnknown | Id::UnitSyntaxInvalid)
    }
}
