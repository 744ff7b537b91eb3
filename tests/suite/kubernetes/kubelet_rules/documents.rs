//! Kubelet configurations for the oracles: the same ones on every run, from good and broken values of every field.

use nodebake::kubernetes::kubelet_config::{FieldKind, Schema, TypeRef};
use serde_json::{Map, Value, json};

/// Whole numbers at the borders of upstream's ranges.
const NUMBERS: [i64; 24] = [
    0, 1, 2, 3, 5, 10, 31, 32, 40, 50, 79, 80, 85, 86, 100, 101, 1000, 1001, 10250, 65535, 65536,
    -1, -2, -1001,
];

const DURATIONS: [&str; 16] = [
    "0s", "1us", "500ms", "999ms", "1s", "2s", "3s", "10s", "100ms", "30s", "2m0s", "3m", "300s",
    "301s", "72h", "-1s",
];

/// Texts of fields in which upstream looks for words or forms; all others take any text.
const TEXTS: [(&str, &[&str]); 24] = [
    (
        "topologyManagerPolicy",
        &[
            "none",
            "best-effort",
            "restricted",
            "single-numa-node",
            "strict",
            "",
        ],
    ),
    ("topologyManagerScope", &["container", "pod", "node", ""]),
    (
        "hairpinMode",
        &["none", "hairpin-veth", "promiscuous-bridge", "on", ""],
    ),
    (
        "swapBehavior",
        &["", "LimitedSwap", "UnlimitedSwap", "NoSwap", "Some"],
    ),
    (
        "reservedSystemCPUs",
        &["", "0", "0-3,8", "3-0", "a", "1,", "0-", "1,,2"],
    ),
    ("systemReservedCgroup", &["", "/system"]),
    ("kubeReservedCgroup", &["", "/kube"]),
    ("systemCgroups", &["", "/system"]),
    ("cgroupRoot", &["", "/"]),
    ("format", &["", "text", "json", "xml"]),
    (
        "showHiddenMetricsForVersion",
        &[
            "", "1.15", "1.19", "1.23", "1.26", "1.30", "1.33", "1.36", "v1",
        ],
    ),
    (
        "podLogsDir",
        &[
            "",
            "/var/log/pods",
            "/var/log/pods/",
            "var/log",
            "/var//log",
            "/var/../log",
            "/lög",
            "/",
        ],
    ),
    (
        "endpoint",
        &[
            "",
            "localhost:4317",
            "dns://a",
            "unix:///x",
            "http://a",
            "unix-abstract://a",
        ],
    ),
    (
        "imagePullCredentialsVerificationPolicy",
        &[
            "",
            "NeverVerify",
            "NeverVerifyAllowlistedImages",
            "AlwaysVerify",
            "Sometimes",
        ],
    ),
    (
        "memoryReservationPolicy",
        &["", "None", "TieredReservation", "Some"],
    ),
    ("containerLogMaxSize", &["10Mi", "1Gi"]),
    ("cpuManagerPolicy", &["", "none", "static"]),
    ("memoryManagerPolicy", &["", "None", "Static"]),
    ("cgroupDriver", &["", "cgroupfs", "systemd"]),
    ("key", &["a", "example.com/a", "a b", "", "a/b/c"]),
    (
        "effect",
        &["NoSchedule", "NoExecute", "PreferNoSchedule", "Never", ""],
    ),
    ("value", &["", "a", "a b"]),
    ("filePattern", &["a", "a*", "", "a=b", "a,b"]),
    ("containerRuntimeEndpoint", &["", "unix:///x"]),
];

const WORDS: [(&str, &[&str]); 3] = [
    (
        "enforceNodeAllocatable",
        &[
            "pods",
            "none",
            "system-reserved",
            "kube-reserved",
            "system-reserved-compressible",
            "kube-reserved-compressible",
            "nothing",
        ],
    ),
    (
        "preloadedImagesVerificationAllowlist",
        &[
            "registry.example.com/a",
            "registry.example.com/a/*",
            "registry.example.com/a:v1",
            "*",
            "/*",
            " a",
            "A",
            "a@b",
        ],
    ),
    ("clusterDNS", &["10.0.0.10", "fd00::a"]),
];

const SIGNALS: [&str; 8] = [
    "memory.available",
    "nodefs.available",
    "nodefs.inodesFree",
    "imagefs.available",
    "imagefs.inodesFree",
    "pid.available",
    "containerfs.available",
    "memory",
];

const AMOUNTS: [&str; 14] = [
    "100Mi", "1Gi", "10%", "0%", "100%", "101%", "5000%", "10001%", "-5%", "0", "-1Gi", "5", "x%",
    "1Q",
];

const SYSCTLS: [&str; 8] = [
    "net.ipv4.tcp_syncookies",
    "net/ipv4/tcp_syncookies",
    "kernel.sem",
    "kernel.shmmax",
    "vm.swappiness",
    "fs.mqueue.msg_max",
    "Net",
    "a..b",
];

const GATES: [&str; 26] = [
    "NodeSwap",
    "GracefulNodeShutdown",
    "GracefulNodeShutdownBasedOnPodPriority",
    "CustomCPUCFSQuotaPeriod",
    "TopologyManager",
    "RotateKubeletServerCertificate",
    "RotateKubeletClientCertificate",
    "MemoryQoS",
    "KubeletTracing",
    "ImageMaximumGCAge",
    "KubeletCrashLoopBackOffMax",
    "KubeletEnsureSecretPulledImages",
    "NodeLogQuery",
    "LoggingAlphaOptions",
    "LoggingBetaOptions",
    "DefaultPodSysctls",
    "AllAlpha",
    "AllBeta",
    "SeccompDefault",
    "DynamicKubeletConfig",
    "CPUManager",
    "DevicePlugins",
    "InPlacePodVerticalScaling",
    "UserNamespacesSupport",
    "ContextualLogging",
    "NoSuchGate",
];

/// Always the same numbers: a linear congruential generator.
pub struct Source(u64);

impl Source {
    fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn of<'a, T: ?Sized>(&mut self, all: &[&'a T]) -> &'a T {
        all[self.below(all.len())]
    }

    fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }
}

/// So many configurations of a minor version.
pub fn documents(minor: u32, count: usize) -> Vec<Value> {
    let mut source = Source(u64::from(minor));
    (0..count).map(|_| document(&mut source, minor)).collect()
}

fn document(source: &mut Source, minor: u32) -> Value {
    let root = Schema::load().root();
    let fields: Vec<_> = root
        .fields(minor)
        .filter(|(key, _)| !["kind", "apiVersion"].contains(key))
        .collect();
    // Some documents have no wrong types, so that the validation is reached often.
    let types_fit = !source.one_in(4);
    let mut document = Map::new();
    document.insert("kind".to_owned(), json!("KubeletConfiguration"));
    document.insert(
        "apiVersion".to_owned(),
        json!("kubelet.config.k8s.io/v1beta1"),
    );
    if minor >= 35 {
        document.insert("failCgroupV1".to_owned(), json!(false));
    }
    for _ in 0..=source.below(6) {
        let (key, kind) = fields[source.below(fields.len())];
        document.insert(key.to_owned(), value(source, (key, kind), minor, types_fit));
    }
    if source.one_in(4) {
        document.insert("featureGates".to_owned(), gates(source));
    }
    // A field of another minor, or of none.
    if !types_fit && source.one_in(3) {
        let later: Vec<_> = root.fields(37).map(|(key, _)| key).collect();
        let key = [later[source.below(later.len())], "nodeLabels", "maxpods"][source.below(3)];
        document.entry(key).or_insert(json!(1));
    }
    Value::Object(document)
}

fn gates(source: &mut Source) -> Value {
    let gates =
        (0..=source.below(2)).map(|_| (source.of(&GATES).to_owned(), json!(source.one_in(2))));
    Value::Object(gates.collect())
}

fn value(
    source: &mut Source,
    (key, kind): (&str, &'static FieldKind),
    minor: u32,
    types_fit: bool,
) -> Value {
    if !types_fit && source.one_in(4) {
        return wrong(source);
    }
    match kind {
        // Both depend on the machine's cgroups, and upstream stops looking at others when it does not like them there.
        FieldKind::Bool if key == "failCgroupV1" => json!(false),
        FieldKind::Bool if key == "singleProcessOOMKill" => json!(true),
        FieldKind::Bool => json!(source.one_in(2)),
        FieldKind::Int { signed, .. } if key == "idsPerPod" => {
            let _ = signed;
            json!([65536, 65537, 131_072, 1, 4_294_967_296_i64][source.below(5)])
        }
        FieldKind::Int { signed, .. } => {
            let number = NUMBERS[source.below(NUMBERS.len())];
            json!(if *signed { number } else { number.abs() })
        }
        FieldKind::Float => json!([0.0, 0.5, 0.9, 1.0, 1.5, -0.5][source.below(6)]),
        FieldKind::String | FieldKind::Enum(_) => {
            let texts = TEXTS.iter().find(|(known, _)| *known == key);
            json!(source.of(texts.map_or(&["", "x", "/x"], |(_, texts)| texts)))
        }
        FieldKind::Duration => json!(source.of(&DURATIONS)),
        FieldKind::DurationOrNanoseconds if source.one_in(2) => {
            json!([5_000_000_000_i64, 0, -5][source.below(3)])
        }
        FieldKind::DurationOrNanoseconds => json!(source.of(&["5s", "0s", "-1s"])),
        FieldKind::Quantity if source.one_in(3) => json!(source.below(3)),
        FieldKind::Quantity => json!(source.of(&["0", "5Mi", "100m", "0Ki"])),
        FieldKind::Time => json!("2026-01-01T00:00:00Z"),
        FieldKind::List(of) => {
            let words = WORDS.iter().find(|(known, _)| *known == key);
            let items = (0..source.below(4)).map(|_| match words {
                Some((_, words)) => json!(source.of(words)),
                None => value(source, ("", of), minor, types_fit),
            });
            Value::Array(items.collect())
        }
        FieldKind::Map(of) => map(source, (key, of), minor, types_fit),
        // Pods alone have these.
        FieldKind::IntOrString | FieldKind::Any => Value::Null,
        FieldKind::Struct(of) => structure(source, *of, minor, types_fit),
    }
}

fn map(
    source: &mut Source,
    (key, of): (&str, &'static FieldKind),
    minor: u32,
    types_fit: bool,
) -> Value {
    let mut entries = Map::new();
    for _ in 0..source.below(3) {
        let (name, amount) = match key {
            "evictionHard" | "evictionSoft" | "evictionMinimumReclaim" => {
                (source.of(&SIGNALS), json!(source.of(&AMOUNTS)))
            }
            "evictionSoftGracePeriod" => (
                source.of(&SIGNALS),
                json!(source.of(&["1m", "90s", "-1s", "0s"])),
            ),
            "defaultPodSysctls" => (source.of(&SYSCTLS), json!("1")),
            "featureGates" => (source.of(&GATES), json!(source.one_in(2))),
            "limits" => (
                source.of(&["memory", "hugepages-2Mi", "cpu"]),
                json!(source.of(&["1Gi", "0", "0Mi", "5"])),
            ),
            _ => (
                source.of(&["a", "cpu", "memory"]),
                value(source, ("", of), minor, types_fit),
            ),
        };
        entries.insert(name.to_owned(), amount);
    }
    Value::Object(entries)
}

fn structure(source: &mut Source, of: TypeRef, minor: u32, types_fit: bool) -> Value {
    let mut fields = Map::new();
    for (key, kind) in of.fields(minor) {
        if source.one_in(2) {
            fields.insert(key.to_owned(), value(source, (key, kind), minor, types_fit));
        }
    }
    Value::Object(fields)
}

/// A value that fits few fields.
fn wrong(source: &mut Source) -> Value {
    match source.below(6) {
        0 => json!("five"),
        1 => json!(true),
        2 => json!(1.5),
        3 => json!(3_000_000_000_i64),
        4 => json!([1]),
        _ => json!({"a": 1}),
    }
}
