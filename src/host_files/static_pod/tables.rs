//! Which fields of a pod are needed, which words, numbers and paths they take: the simple rules of the API's validation, by struct.
//! Source: kubernetes `pkg/apis/core/validation/validation.go`, after the defaults of `pkg/apis/core/v1/defaults.go`.

/// Fields that must be there and not be empty.
pub const NEEDED: [(&str, &[&str]); 57] = [
    ("AWSElasticBlockStoreVolumeSource", &["volumeID"]),
    ("AppArmorProfile", &["type"]),
    ("AzureDiskVolumeSource", &["diskName", "diskURI"]),
    ("AzureFileVolumeSource", &["secretName", "shareName"]),
    ("CephFSVolumeSource", &["monitors"]),
    ("CinderVolumeSource", &["volumeID"]),
    ("ConfigMapKeySelector", &["name", "key"]),
    ("ConfigMapVolumeSource", &["name"]),
    ("CSIVolumeSource", &["driver"]),
    ("ConfigMapEnvSource", &["name"]),
    ("ConfigMapProjection", &["name"]),
    ("ContainerResizePolicy", &["resourceName", "restartPolicy"]),
    ("HostAlias", &["ip"]),
    ("PodAffinityTerm", &["topologyKey"]),
    ("PodOS", &["name"]),
    ("PodReadinessGate", &["conditionType"]),
    ("PodResourceClaim", &["name"]),
    ("PodSchedulingGroup", &["podGroupName"]),
    ("PreferredSchedulingTerm", &["weight"]),
    ("ResourceClaim", &["name"]),
    ("SecretEnvSource", &["name"]),
    ("SecretProjection", &["name"]),
    ("WeightedPodAffinityTerm", &["weight", "podAffinityTerm"]),
    ("Container", &["name", "image"]),
    ("ContainerPort", &["containerPort"]),
    ("DownwardAPIVolumeFile", &["path"]),
    ("EnvVar", &["name"]),
    ("ExecAction", &["command"]),
    ("FlexVolumeSource", &["driver"]),
    ("GCEPersistentDiskVolumeSource", &["pdName"]),
    ("GRPCAction", &["port"]),
    ("GitRepoVolumeSource", &["repository"]),
    ("GlusterfsVolumeSource", &["endpoints", "path"]),
    ("HTTPGetAction", &["port"]),
    ("HostPathVolumeSource", &["path"]),
    ("ISCSIVolumeSource", &["targetPortal", "iqn"]),
    ("KeyToPath", &["key", "path"]),
    ("NFSVolumeSource", &["server", "path"]),
    ("NodeSelector", &["nodeSelectorTerms"]),
    ("ObjectFieldSelector", &["fieldPath"]),
    ("PersistentVolumeClaimVolumeSource", &["claimName"]),
    ("PhotonPersistentDiskVolumeSource", &["pdID"]),
    ("PortworxVolumeSource", &["volumeID"]),
    ("QuobyteVolumeSource", &["registry", "volume"]),
    ("ScaleIOVolumeSource", &["gateway", "system", "volumeName"]),
    ("StorageOSVolumeSource", &["volumeName"]),
    ("VsphereVirtualDiskVolumeSource", &["volumePath"]),
    ("PodDNSConfigOption", &["name"]),
    ("RBDVolumeSource", &["monitors", "image"]),
    ("ResourceFieldSelector", &["resource"]),
    ("SecretKeySelector", &["name", "key"]),
    ("SecretVolumeSource", &["secretName"]),
    ("ServiceAccountTokenProjection", &["path"]),
    ("Sysctl", &["name"]),
    ("TCPSocketAction", &["port"]),
    ("VolumeDevice", &["name", "devicePath"]),
    ("VolumeMount", &["name", "mountPath"]),
];

/// Fields whose words are those of the type and no others.
pub const WORDS: [(&str, &[&str]); 18] = [
    ("AppArmorProfile", &["type"]),
    ("AzureDiskVolumeSource", &["cachingMode", "kind"]),
    (
        "Container",
        &["imagePullPolicy", "terminationMessagePolicy"],
    ),
    ("ContainerPort", &["protocol"]),
    ("ContainerResizePolicy", &["restartPolicy"]),
    ("HTTPGetAction", &["scheme"]),
    ("HostPathVolumeSource", &["type"]),
    ("LabelSelectorRequirement", &["operator"]),
    ("ImageVolumeSource", &["pullPolicy"]),
    ("NodeSelectorRequirement", &["operator"]),
    ("PodOS", &["name"]),
    (
        "PodSecurityContext",
        &[
            "fsGroupChangePolicy",
            "supplementalGroupsPolicy",
            "seLinuxChangePolicy",
        ],
    ),
    (
        "PodSpec",
        &["restartPolicy", "dnsPolicy", "preemptionPolicy"],
    ),
    ("SeccompProfile", &["type"]),
    ("SecurityContext", &["procMount"]),
    ("Toleration", &["operator", "effect"]),
    (
        "TopologySpreadConstraint",
        &[
            "whenUnsatisfiable",
            "nodeAffinityPolicy",
            "nodeTaintsPolicy",
        ],
    ),
    ("VolumeMount", &["mountPropagation", "recursiveReadOnly"]),
];

pub const ID: (i64, i64) = (0, i32::MAX as i64);
const MODE: (i64, i64) = (0, 0o777);
const NATURAL: (i64, i64) = (0, i64::MAX);

/// Fields with a whole number between two others.
pub const RANGES: [(&str, &[&str], (i64, i64)); 22] = [
    ("ConfigMapVolumeSource", &["defaultMode"], MODE),
    ("ContainerPort", &["containerPort"], (1, 65535)),
    ("ContainerPort", &["hostPort"], (0, 65535)),
    ("DownwardAPIVolumeFile", &["mode"], MODE),
    ("DownwardAPIVolumeSource", &["defaultMode"], MODE),
    ("EmptyDirVolumeSource", &["mode"], (0, 0o1777)),
    ("GRPCAction", &["port"], (1, 65535)),
    ("ISCSIVolumeSource", &["lun"], (0, 255)),
    ("KeyToPath", &["mode"], MODE),
    (
        "PodSecurityContext",
        &["runAsUser", "runAsGroup", "fsGroup"],
        ID,
    ),
    ("PodSpec", &["activeDeadlineSeconds"], (1, i32::MAX as i64)),
    ("PreferredSchedulingTerm", &["weight"], (1, 100)),
    (
        "Probe",
        &[
            "initialDelaySeconds",
            "timeoutSeconds",
            "periodSeconds",
            "successThreshold",
            "failureThreshold",
        ],
        NATURAL,
    ),
    ("ProjectedVolumeSource", &["defaultMode"], MODE),
    ("ProjectedVolumeSource", &["defaultUser"], ID),
    ("DownwardAPIVolumeSource", &["defaultUser"], ID),
    ("ObjectMeta", &["generation"], NATURAL),
    ("SecretVolumeSource", &["defaultMode"], MODE),
    ("SecurityContext", &["runAsUser", "runAsGroup"], ID),
    (
        "ServiceAccountTokenProjection",
        &["expirationSeconds"],
        (600, 1 << 32),
    ),
    (
        "TopologySpreadConstraint",
        &["maxSkew", "minDomains"],
        (1, i32::MAX as i64),
    ),
    ("WeightedPodAffinityTerm", &["weight"], (1, 100)),
];

/// Structs of which one field only may be set, and whether one must be.
pub const ONE_OF: [(&str, bool, &[&str]); 8] = [
    // A volume without a source is an emptyDir by the defaults.
    ("Volume", false, &[]),
    (
        "EnvVarSource",
        true,
        &[
            "fieldRef",
            "resourceFieldRef",
            "configMapKeyRef",
            "secretKeyRef",
            "fileKeyRef",
        ],
    ),
    ("EnvFromSource", true, &["configMapRef", "secretRef"]),
    ("Handler", true, HANDLERS),
    ("LifecycleHandler", true, HANDLERS),
    ("Probe", true, &["exec", "httpGet", "tcpSocket", "grpc"]),
    (
        "VolumeProjection",
        false,
        &[
            "secret",
            "downwardAPI",
            "configMap",
            "serviceAccountToken",
            "clusterTrustBundle",
            "podCertificate",
        ],
    ),
    (
        "DownwardAPIVolumeFile",
        true,
        &["fieldRef", "resourceFieldRef"],
    ),
];
const HANDLERS: &[&str] = &["exec", "httpGet", "tcpSocket", "grpc", "sleep"];

/// Paths that must be relative and without `..`, or without `..` alone.
pub const PATHS: [(&str, &str, bool); 8] = [
    ("DownwardAPIVolumeFile", "path", true),
    ("GitRepoVolumeSource", "directory", true),
    ("HostPathVolumeSource", "path", false),
    ("KeyToPath", "path", true),
    ("ServiceAccountTokenProjection", "path", true),
    ("VolumeDevice", "devicePath", false),
    ("VolumeMount", "subPath", true),
    ("VolumeMount", "subPathExpr", true),
];
