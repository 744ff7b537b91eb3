//! Spot checks against upstream's release notes and types, read by hand.

use super::{FieldAnswer, FieldKind, Schema, TypeRef};

fn found(of: TypeRef, key: &str, minor: u32) -> &'static FieldKind {
    match of.field(key, minor) {
        FieldAnswer::Found(kind) => kind,
        other => panic!("{key} in 1.{minor}: {other:?}"),
    }
}

fn inner(of: TypeRef, key: &str, minor: u32) -> TypeRef {
    match found(of, key, minor) {
        FieldKind::Struct(inner) => *inner,
        other => panic!("{key}: {other:?}"),
    }
}

#[test]
fn the_table_reaches_from_1_16_to_the_newest_minor() {
    let minors = Schema::load().minors();
    assert_eq!(*minors.start(), 16);
    assert!(*minors.end() >= 37);
}

#[test]
fn fields_have_the_kinds_of_upstreams_types() {
    let root = Schema::load().root();
    let strings = FieldKind::Map(Box::new(FieldKind::String));
    let int32 = FieldKind::Int {
        bits: 32,
        signed: true,
    };
    for (key, kind) in [
        ("apiVersion", FieldKind::String),
        ("kind", FieldKind::String),
        ("maxPods", int32.clone()),
        (
            "podPidsLimit",
            FieldKind::Int {
                bits: 64,
                signed: true,
            },
        ),
        ("failSwapOn", FieldKind::Bool),
        ("clusterDNS", FieldKind::List(Box::new(FieldKind::String))),
        ("evictionHard", strings.clone()),
        ("evictionSoftGracePeriod", strings),
        ("featureGates", FieldKind::Map(Box::new(FieldKind::Bool))),
        ("syncFrequency", FieldKind::Duration),
        (
            "staticPodURLHeader",
            FieldKind::Map(Box::new(FieldKind::List(Box::new(FieldKind::String)))),
        ),
    ] {
        assert_eq!(*found(root, key, 16), kind, "{key}");
        assert_eq!(*found(root, key, 37), kind, "{key}");
    }
    assert_eq!(*found(root, "memoryThrottlingFactor", 34), FieldKind::Float);
    assert_eq!(*found(root, "kubeAPIQPS", 34), int32);
}

#[test]
fn nested_structs_are_reached_through_the_root() {
    let root = Schema::load().root();
    let authentication = inner(root, "authentication", 16);
    let x509 = inner(authentication, "x509", 16);
    assert_eq!(*found(x509, "clientCAFile", 16), FieldKind::String);
    let webhook = inner(authentication, "webhook", 16);
    assert_eq!(*found(webhook, "cacheTTL", 16), FieldKind::Duration);
    let logging = inner(root, "logging", 34);
    assert_eq!(
        *found(logging, "flushFrequency", 34),
        FieldKind::DurationOrNanoseconds
    );
    assert_eq!(
        *found(logging, "flushFrequency", 24),
        FieldKind::Int {
            bits: 64,
            signed: true
        }
    );
    let json = inner(inner(logging, "options", 34), "json", 34);
    assert_eq!(*found(json, "infoBufferSize", 34), FieldKind::Quantity);
    let FieldKind::List(taint) = found(root, "registerWithTaints", 34) else {
        panic!("a list");
    };
    let FieldKind::Struct(taint) = **taint else {
        panic!("of structs");
    };
    assert_eq!(taint.name(), "Taint");
    assert!(
        found(taint, "effect", 34)
            .check_text("NoSchedule", 34)
            .is_ok()
    );
    assert!(
        found(taint, "effect", 34)
            .check_text("noSchedule", 34)
            .is_err()
    );
}

#[test]
fn since_and_until_are_upstreams() {
    let root = Schema::load().root();
    for (key, since) in [
        ("reservedSystemCPUs", 17),
        ("providerID", 19),
        ("shutdownGracePeriod", 20),
        ("seccompDefault", 22),
        ("memorySwap", 22),
        ("registerWithTaints", 23),
        ("containerRuntimeEndpoint", 27),
        ("failCgroupV1", 31),
        ("crashLoopBackOff", 32),
    ] {
        let FieldAnswer::NotYet { since: known } = root.field(key, since - 1) else {
            panic!("{key} is in 1.{} already", since - 1);
        };
        assert_eq!(known, since, "{key}");
        found(root, key, since);
    }
    let logging = inner(root, "logging", 24);
    let gone = logging.field("sanitization", 24);
    assert!(
        matches!(
            gone,
            FieldAnswer::Gone {
                since: 20,
                until: 23
            }
        ),
        "{gone:?}"
    );
    let (rule, _) = gone.objection("sanitization", 24).unwrap();
    assert_eq!(
        rule,
        "sanitization came with Kubernetes 1.20 and was dropped after 1.23, and this kubelet is 1.24"
    );
}

#[test]
fn an_unknown_key_gets_the_field_that_was_meant() {
    let root = Schema::load().root();
    for (key, meant) in [
        ("maxpods", Some("maxPods")),
        ("clusterDns", Some("clusterDNS")),
        ("rotateCertificate", Some("rotateCertificates")),
        ("nodeLabels", None),
        ("x", None),
    ] {
        let answer = root.field(key, 34);
        let FieldAnswer::Unknown { suggestion } = answer else {
            panic!("{key}: {answer:?}");
        };
        assert_eq!(suggestion, meant, "{key}");
    }
}

#[test]
fn scalars_are_never_converted() {
    let root = Schema::load().root();
    let kind = |key| found(root, key, 34);
    assert_eq!(kind("maxPods").check_integer(110), Ok(()));
    assert_eq!(
        kind("maxPods").check_integer(1 << 31),
        Err("must be between -2147483648 and 2147483647; got 2147483648".to_owned())
    );
    assert_eq!(
        kind("maxPods").check_text("110", 34),
        Err("must be a whole number, not the string \"110\"".to_owned())
    );
    assert!(kind("maxPods").check_float("1.5").is_err());
    assert!(kind("podPidsLimit").check_integer(1 << 31).is_ok());
    assert!(kind("failSwapOn").check_text("false", 34).is_err());
    assert!(kind("failSwapOn").check_bool(false).is_ok());
    assert!(kind("syncFrequency").check_text("45s", 34).is_ok());
    assert!(kind("syncFrequency").check_text("45", 34).is_err());
    assert!(kind("syncFrequency").check_integer(45).is_err());
    assert!(kind("clusterDomain").check_integer(5).is_err());
    assert!(kind("clusterDomain").check_bool(true).is_err());
    assert!(kind("memoryThrottlingFactor").check_float("0.8").is_ok());
    let strategy = kind("configMapAndSecretChangeDetectionStrategy");
    assert_eq!(
        strategy.check_text("Poll", 34),
        Err("must be one of Cache, Get, Watch; got \"Poll\"".to_owned())
    );
    assert!(strategy.check_text("", 34).is_ok());
}

#[test]
fn every_name_in_the_table_is_known() {
    // Loading resolves each kind, or panics with the reason.
    let schema = Schema::load();
    assert!(schema.root().fields(37).count() > 110);
    assert!(schema.root().fields(16).count() < 90);
}

#[test]
fn flags_have_their_minors_too() {
    let schema = Schema::load();
    // The flags of the reference procedure, all of them known to 1.16.
    for (name, until) in [
        ("bootstrap-kubeconfig", None),
        ("cert-dir", None),
        ("network-plugin", Some(23)),
        ("cni-conf-dir", Some(23)),
        ("container-runtime", Some(26)),
        ("container-runtime-endpoint", None),
        ("root-dir", None),
        ("kubeconfig", None),
        ("config", None),
        ("hostname-override", None),
        ("image-pull-progress-deadline", Some(23)),
        ("volume-plugin-dir", None),
        ("logtostderr", Some(25)),
        ("v", None),
    ] {
        assert!(
            matches!(schema.flag(name, 16), FieldAnswer::Found(_)),
            "{name}"
        );
        match (schema.flag(name, 34), until) {
            (FieldAnswer::Found(_), None) => {}
            (FieldAnswer::Gone { until, .. }, Some(known)) => assert_eq!(until, known, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
    assert!(matches!(
        schema.flag("config-dir", 16),
        FieldAnswer::NotYet { since: 28 }
    ));
    let unknown = schema.flag("node-label", 34);
    let (rule, repair) = unknown.objection("node-label", 34).unwrap();
    assert!(
        rule.starts_with("node-label is known to no kubelet from 1.16"),
        "{rule}"
    );
    assert_eq!(repair.as_deref(), Some("did you mean node-labels?"));
}

#[test]
fn flag_values_are_parsed_from_text() {
    let schema = Schema::load();
    for (name, good, bad) in [
        ("v", "2", "two"),
        ("fail-swap-on", "false", "no"),
        ("max-pods", "110", "110.0"),
        ("sync-frequency", "1m", "60"),
        ("node-ip", "10.0.0.1", ""),
    ] {
        let FieldAnswer::Found(kind) = schema.flag(name, 34) else {
            panic!("{name} is a flag");
        };
        assert_eq!(kind.check_flag(good), Ok(()), "{name}");
        assert!(
            bad.is_empty() || kind.check_flag(bad).is_err(),
            "{name}={bad}"
        );
    }
}
