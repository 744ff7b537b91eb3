//! Changes to a good pod, and whole files: each by hand, good and bad ones.

use serde_json::{Value, json};

/// Path and value, or several paths with a list of values.
pub fn changes() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    all.extend(of_the_pod());
    all.extend(of_containers());
    all.extend(of_volumes());
    all.extend(super::resources::changes());
    let limits = ["-1", "0", "1Gi"].map(|limit| json!({"sizeLimit": limit}));
    all.extend(limits.map(|source| ("spec.volumes", json!([{"name": "v", "emptyDir": source}]))));
    all
}

fn of_the_pod() -> Vec<(&'static str, Value)> {
    vec![
        ("metadata.name", json!("a.b-c")),
        ("metadata.name", json!("A")),
        ("metadata.name", json!("a_b")),
        ("metadata.name", json!("")),
        ("metadata.name", json!("x".repeat(248))),
        ("metadata.name", json!("x".repeat(249))),
        ("metadata.namespace", json!("a.b")),
        ("metadata.namespace", json!("")),
        ("metadata.labels", json!({"a b": "c"})),
        ("metadata.labels", json!({"example.com/a": "c d"})),
        ("metadata.labels", json!({"a": 1})),
        ("metadata.labels", json!({"a": ""})),
        (
            "metadata.annotations",
            json!({"example.com/A_b": "any {text}"}),
        ),
        ("metadata.annotations", json!({"a/b/c": "x"})),
        ("metadata.annotations", json!({"a": true})),
        (
            "metadata.annotations",
            json!({"container.apparmor.security.beta.kubernetes.io/a": "runtime/default"}),
        ),
        (
            "metadata.annotations",
            json!({"container.apparmor.security.beta.kubernetes.io/b": "runtime/default"}),
        ),
        (
            "metadata.annotations",
            json!({"container.apparmor.security.beta.kubernetes.io/a": "default"}),
        ),
        (
            "metadata.annotations",
            json!({"seccomp.security.alpha.kubernetes.io/pod": "runtime/default"}),
        ),
        (
            "metadata.annotations",
            json!({"seccomp.security.alpha.kubernetes.io/pod": "on"}),
        ),
        (
            "metadata.annotations",
            json!({"scheduler.alpha.kubernetes.io/critical-pod": ""}),
        ),
        (
            "metadata.ownerReferences",
            json!([{"apiVersion": "v1", "kind": "Node", "name": "n"}]),
        ),
        (
            "metadata.ownerReferences",
            json!([{"apiVersion": "v1", "kind": "Node", "name": "n", "uid": "1"}]),
        ),
        ("metadata.finalizers", json!(["example.com/x"])),
        ("metadata.creationTimestamp", json!(null)),
        ("metadata.creationTimestamp", json!("2026-11-30")),
        ("metadata.uid", json!("any text")),
        ("status", json!({})),
        ("status", json!({"phase": 1})),
        ("other", json!(1)),
        ("spec", json!(null)),
        ("spec", json!([])),
        ("spec.containers", json!([])),
        ("spec.containers", json!(null)),
        ("spec.restartPolicy", json!("OnFailure")),
        ("spec.restartPolicy", json!("always")),
        ("spec.dnsPolicy", json!("None")),
        (
            "spec.dnsPolicy & spec.dnsConfig",
            json!(["None", {"nameservers": ["10.0.0.10"]}]),
        ),
        (
            "spec.dnsPolicy & spec.dnsConfig",
            json!(["Default", {"nameservers": ["dns.example.com"]}]),
        ),
        (
            "spec.dnsConfig",
            json!({"nameservers": ["1.1.1.1", "1.1.1.2", "1.1.1.3", "1.1.1.4"]}),
        ),
        (
            "spec.dnsConfig",
            json!({"searches": ["a.example.com", "b_c.example.com"]}),
        ),
        (
            "spec.dnsConfig",
            json!({"options": [{"name": "ndots", "value": "2"}]}),
        ),
        ("spec.dnsConfig", json!({"options": [{"value": "2"}]})),
        (
            "spec.dnsConfig",
            json!({"options": [{"name": "ndots", "value": 2}]}),
        ),
        ("spec.hostNetwork", json!(true)),
        ("spec.hostNetwork", json!("true")),
        ("spec.hostnetwork", json!(true)),
        (
            "spec.hostPID & spec.shareProcessNamespace",
            json!([true, true]),
        ),
        ("spec.hostUsers & spec.hostNetwork", json!([false, true])),
        ("spec.hostUsers", json!(false)),
        ("spec.priorityClassName", json!("system-node-critical")),
        ("spec.priorityClassName", json!("System")),
        ("spec.priority", json!(2_000_001_000)),
        ("spec.priority", json!("high")),
        ("spec.preemptionPolicy", json!("Never")),
        ("spec.preemptionPolicy", json!("never")),
        ("spec.terminationGracePeriodSeconds", json!(30)),
        ("spec.terminationGracePeriodSeconds", json!("30s")),
        ("spec.terminationGracePeriodSeconds", json!(-1)),
        ("spec.activeDeadlineSeconds", json!(0)),
        ("spec.activeDeadlineSeconds", json!(1)),
        ("spec.tolerations", json!([{"operator": "Exists"}])),
        (
            "spec.tolerations",
            json!([{"operator": "Exists", "effect": "NoExecute"}]),
        ),
        (
            "spec.tolerations",
            json!([{"key": "a", "operator": "Exists", "value": "b"}]),
        ),
        (
            "spec.tolerations",
            json!([{"key": "a", "value": "b", "effect": "NoSchedule"}]),
        ),
        ("spec.tolerations", json!([{"value": "b"}])),
        (
            "spec.tolerations",
            json!([{"key": "a", "operator": "Equals", "value": "b"}]),
        ),
        (
            "spec.tolerations",
            json!([{"key": "a", "operator": "Exists", "effect": "NoExecution"}]),
        ),
        (
            "spec.tolerations",
            json!([{"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}]),
        ),
        (
            "spec.tolerations",
            json!([{"key": "a", "operator": "Exists", "tolerationSeconds": 5}]),
        ),
        ("spec.nodeSelector", json!({"a": "b"})),
        ("spec.nodeSelector", json!({"a": "b c"})),
        ("spec.nodeName", json!("other")),
        ("spec.hostname", json!("a-b")),
        ("spec.hostname", json!("a.b")),
        ("spec.subdomain", json!("A")),
        (
            "spec.hostAliases",
            json!([{"ip": "10.0.0.1", "hostnames": ["a.example.com"]}]),
        ),
        (
            "spec.hostAliases",
            json!([{"ip": "10.0.0.256", "hostnames": ["a"]}]),
        ),
        (
            "spec.hostAliases",
            json!([{"ip": "10.0.0.1", "hostnames": ["A_b"]}]),
        ),
        ("spec.runtimeClassName", json!("kata")),
        ("spec.runtimeClassName", json!("Kata")),
        ("spec.enableServiceLinks", json!(false)),
        ("spec.automountServiceAccountToken", json!(false)),
        ("spec.serviceAccountName", json!("")),
        ("spec.imagePullSecrets", json!([])),
        (
            "spec.readinessGates",
            json!([{"conditionType": "example.com/x"}]),
        ),
        ("spec.readinessGates", json!([{"conditionType": "a b"}])),
        ("spec.overhead", json!({"cpu": "10m"})),
        ("spec.schedulingGates", json!([{"name": "example.com/x"}])),
        ("spec.os", json!({"name": "linux"})),
        ("spec.os", json!({"name": "Linux"})),
        (
            "spec.ephemeralContainers",
            json!([{"name": "d", "image": "x"}]),
        ),
        (
            "spec.securityContext",
            json!({"runAsUser": 0, "fsGroup": 5, "supplementalGroups": [1, 2]}),
        ),
        ("spec.securityContext", json!({"runAsUser": -1})),
        ("spec.securityContext", json!({"runAsUser": "root"})),
        ("spec.securityContext", json!({"supplementalGroups": [-1]})),
        (
            "spec.securityContext",
            json!({"fsGroupChangePolicy": "always"}),
        ),
        (
            "spec.securityContext",
            json!({"fsGroupChangePolicy": "OnRootMismatch"}),
        ),
        (
            "spec.securityContext",
            json!({"seccompProfile": {"type": "RuntimeDefault"}}),
        ),
        (
            "spec.securityContext",
            json!({"seccompProfile": {"type": "runtime/default"}}),
        ),
        (
            "spec.securityContext",
            json!({"seccompProfile": {"type": "Localhost"}}),
        ),
        (
            "spec.securityContext",
            json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "a/b.json"}}),
        ),
        (
            "spec.securityContext",
            json!({"seccompProfile": {"type": "Localhost", "localhostProfile": "../b.json"}}),
        ),
        (
            "spec.securityContext",
            json!({"seccompProfile": {"type": "RuntimeDefault", "localhostProfile": "a"}}),
        ),
        ("spec.securityContext", json!({"seccompProfile": {}})),
        (
            "spec.securityContext",
            json!({"sysctls": [{"name": "net.core.somaxconn", "value": "1024"}]}),
        ),
        (
            "spec.securityContext",
            json!({"sysctls": [{"name": "net.core.somaxconn", "value": 1024}]}),
        ),
        (
            "spec.securityContext",
            json!({"sysctls": [{"name": "net core", "value": "1"}]}),
        ),
        (
            "spec.securityContext",
            json!({"sysctls": [{"name": "kernel.sem", "value": "1"}, {"name": "kernel.sem", "value": "2"}]}),
        ),
        (
            "spec.securityContext & spec.hostNetwork",
            json!([{"sysctls": [{"name": "net.core.somaxconn", "value": "1"}]}, true]),
        ),
        (
            "spec.topologySpreadConstraints",
            json!([{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]),
        ),
        (
            "spec.topologySpreadConstraints",
            json!([{"maxSkew": 0, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}]),
        ),
        (
            "spec.topologySpreadConstraints",
            json!([{"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "Never"}]),
        ),
    ]
}

fn of_containers() -> Vec<(&'static str, Value)> {
    vec![
        ("spec.containers.0.name", json!("A")),
        ("spec.containers.0.name", json!("a.b")),
        ("spec.containers.0.name", json!(null)),
        ("spec.containers.0.image", json!("")),
        ("spec.containers.0.image", json!(" a/b:1")),
        ("spec.containers.0.image", json!(7)),
        ("spec.containers.0.imagePullPolicy", json!("IfNotPresent")),
        ("spec.containers.0.imagePullPolicy", json!("ifNotPresent")),
        (
            "spec.containers.0.terminationMessagePolicy",
            json!("FallbackToLogsOnError"),
        ),
        ("spec.containers.0.terminationMessagePolicy", json!("Logs")),
        ("spec.containers.0.command", json!(["a", "--b=1"])),
        ("spec.containers.0.command", json!("a --b=1")),
        ("spec.containers.0.args", json!(["--port", 80])),
        ("spec.containers.0.args", json!(["--on", true])),
        ("spec.containers.1", json!({"name": "a", "image": "x"})),
        ("spec.containers.1", json!({"name": "b", "image": "x"})),
        ("spec.containers.1", json!("b")),
        ("spec.initContainers", json!([{"name": "a", "image": "x"}])),
        ("spec.initContainers", json!([{"name": "i", "image": "x"}])),
        ("spec.initContainers", json!([{"name": "i"}])),
        (
            "spec.initContainers",
            json!([{"name": "i", "image": "x", "livenessProbe": {"exec": {"command": ["a"]}}}]),
        ),
        (
            "spec.initContainers",
            json!([{"name": "i", "image": "x", "lifecycle": {"preStop": {"exec": {"command": ["a"]}}}}]),
        ),
        (
            "spec.initContainers",
            json!([{"name": "i", "image": "x", "restartPolicy": "Always", "startupProbe": {"exec": {"command": ["a"]}}}]),
        ),
        (
            "spec.initContainers",
            json!([{"name": "i", "image": "x", "restartPolicy": "Never"}]),
        ),
        ("spec.containers.0.restartPolicy", json!("Always")),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "value": "b"}, {"name": "A", "value": "c"}]),
        ),
        ("spec.containers.0.env", json!([{"name": "A", "value": 1}])),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "value": true}]),
        ),
        ("spec.containers.0.env", json!([{"name": "A-b.c"}])),
        (
            "spec.containers.0.env",
            json!([{"name": "1A", "value": "b"}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A B", "value": "b"}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A=B", "value": "b"}]),
        ),
        ("spec.containers.0.env", json!([{"value": "b"}])),
        ("spec.containers.0.env", json!({"A": "b"})),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.podIPs"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.hostIPs"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "status.nodeIP"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['a']"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"fieldRef": {"apiVersion": "v2", "fieldPath": "metadata.name"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.cpu"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "cpu"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "1Mi"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory", "divisor": "2"}}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "valueFrom": {}}]),
        ),
        (
            "spec.containers.0.env",
            json!([{"name": "A", "value": "x", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]),
        ),
        ("spec.containers.0.envFrom", json!([{"prefix": "A_"}])),
        ("spec.containers.0.ports", json!([{"containerPort": 80}])),
        ("spec.containers.0.ports", json!([{"containerPort": "80"}])),
        ("spec.containers.0.ports", json!([{"containerPort": 0}])),
        ("spec.containers.0.ports", json!([{"containerPort": 65536}])),
        ("spec.containers.0.ports", json!([{"hostPort": 80}])),
        (
            "spec.containers.0.ports",
            json!([{"containerPort": 80, "protocol": "tcp"}]),
        ),
        (
            "spec.containers.0.ports",
            json!([{"containerPort": 80, "protocol": "SCTP"}]),
        ),
        (
            "spec.containers.0.ports",
            json!([{"containerPort": 80, "name": "http"}, {"containerPort": 81, "name": "http"}]),
        ),
        (
            "spec.containers.0.ports",
            json!([{"containerPort": 80, "name": "a-name-that-is-long"}]),
        ),
        (
            "spec.containers.0.ports",
            json!([{"containerPort": 80, "name": "80"}]),
        ),
        (
            "spec.containers.0.ports",
            json!([{"containerPort": 80, "name": "HTTP"}]),
        ),
        (
            "spec.containers.0.ports",
            json!([{"containerPort": 80, "hostPort": 81}, {"containerPort": 82, "hostPort": 81}]),
        ),
        (
            "spec.containers.0.ports",
            json!([{"containerPort": 80, "hostPort": 81}, {"containerPort": 82, "hostPort": 81, "protocol": "UDP"}]),
        ),
        (
            "spec.containers.0.ports",
            json!([{"containerPort": 80}, {"containerPort": 80}]),
        ),
        (
            "spec.hostNetwork & spec.containers.0.ports",
            json!([true, [{"containerPort": 80, "hostPort": 81}]]),
        ),
        (
            "spec.hostNetwork & spec.containers.0.ports",
            json!([true, [{"containerPort": 80, "hostPort": 80}]]),
        ),
        (
            "spec.hostNetwork & spec.containers.0.ports",
            json!([true, [{"containerPort": 80}, {"containerPort": 80}]]),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"httpGet": {"path": "/healthz", "port": 10248, "host": "127.0.0.1", "scheme": "HTTPS"}, "initialDelaySeconds": 10, "failureThreshold": 8}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"httpGet": {"port": "http"}}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"httpGet": {"port": "10248"}}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"httpGet": {"port": 0}}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"httpGet": {"path": "/"}}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"httpGet": {"port": 80, "scheme": "https"}}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"httpGet": {"port": 80, "httpHeaders": [{"name": "X Y", "value": "z"}]}}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"exec": {"command": ["a"]}, "tcpSocket": {"port": 80}}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"exec": {"command": []}}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"initialDelaySeconds": 5}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"exec": {"command": ["a"]}, "successThreshold": 2}),
        ),
        (
            "spec.containers.0.readinessProbe",
            json!({"exec": {"command": ["a"]}, "successThreshold": 2}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"exec": {"command": ["a"]}, "periodSeconds": -1}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"exec": {"command": ["a"]}, "periodSeconds": "10s"}),
        ),
        (
            "spec.containers.0.livenessProbe",
            json!({"exec": {"command": ["a"]}, "terminationGracePeriodSeconds": 0}),
        ),
        (
            "spec.containers.0.readinessProbe",
            json!({"exec": {"command": ["a"]}, "terminationGracePeriodSeconds": 5}),
        ),
        (
            "spec.containers.0.startupProbe",
            json!({"tcpSocket": {"port": 80}, "failureThreshold": 30}),
        ),
        (
            "spec.containers.0.startupProbe",
            json!({"grpc": {"port": 2379}}),
        ),
        (
            "spec.containers.0.startupProbe",
            json!({"grpc": {"port": "2379"}}),
        ),
        (
            "spec.containers.0.lifecycle",
            json!({"preStop": {"exec": {"command": ["a"]}}}),
        ),
        ("spec.containers.0.lifecycle", json!({"preStop": {}})),
        (
            "spec.containers.0.lifecycle",
            json!({"preStop": {"sleep": {"seconds": 5}}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"requests": {"cpu": "100m", "memory": "64Mi"}, "limits": {"cpu": 1, "memory": "64Mi"}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"requests": {"cpu": 0.5}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"requests": {"memory": "64MB"}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"requests": {"memory": "64mi"}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"requests": {"memory": ""}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"limits": {"cpu": "-1"}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"limits": {"disk": "1"}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"limits": {"pods": "1"}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"limits": {"ephemeral-storage": "1Gi"}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"limits": {"example.com/gpu": 1}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"limits": {"example.com/gpu": "0.5"}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"requests": {"example.com/gpu": 1}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"requests": {"example.com/gpu": 1}, "limits": {"example.com/gpu": 2}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"limits": {"hugepages-2Mi": "4Mi"}}),
        ),
        (
            "spec.containers.0.resources",
            json!({"limits": {"hugepages-2Mi": "4Mi", "memory": "64Mi"}}),
        ),
        ("spec.containers.0.resources", json!({"cpu": "1"})),
        ("spec.containers.0.resources", json!({"limits": ["cpu"]})),
        (
            "spec.containers.0.securityContext",
            json!({"privileged": true}),
        ),
        (
            "spec.containers.0.securityContext",
            json!({"privileged": "yes"}),
        ),
        (
            "spec.containers.0.securityContext",
            json!({"privileged": true, "allowPrivilegeEscalation": false}),
        ),
        (
            "spec.containers.0.securityContext",
            json!({"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}}),
        ),
        (
            "spec.containers.0.securityContext",
            json!({"allowPrivilegeEscalation": false, "capabilities": {"add": ["CAP_SYS_ADMIN"]}}),
        ),
        (
            "spec.containers.0.securityContext",
            json!({"capabilities": ["NET_ADMIN"]}),
        ),
        (
            "spec.containers.0.securityContext",
            json!({"runAsUser": 4_294_967_296_i64}),
        ),
        (
            "spec.containers.0.securityContext",
            json!({"procMount": "Unmasked"}),
        ),
        (
            "spec.containers.0.securityContext",
            json!({"procMount": "Masked"}),
        ),
        (
            "spec.containers.0.securityContext",
            json!({"readOnlyRootFilesystem": 1}),
        ),
        (
            "spec.containers.0.securityContext",
            json!({"appArmorProfile": {"type": "Localhost"}}),
        ),
        ("spec.containers.0.stdin", json!(true)),
        ("spec.containers.0.workingDir", json!("x")),
    ]
}

fn of_volumes() -> Vec<(&'static str, Value)> {
    vec![
        ("spec.containers.0.volumeMounts.0.name", json!("w")),
        ("spec.containers.0.volumeMounts.0.mountPath", json!("")),
        ("spec.containers.0.volumeMounts.0.mountPath", json!("v")),
        ("spec.containers.0.volumeMounts.0.subPath", json!("/a")),
        ("spec.containers.0.volumeMounts.0.subPath", json!("a/../b")),
        ("spec.containers.0.volumeMounts.0.subPath", json!("a/b")),
        (
            "spec.containers.0.volumeMounts.0.subPathExpr",
            json!("$(A)"),
        ),
        ("spec.containers.0.volumeMounts.0.readOnly", json!("true")),
        ("spec.containers.0.volumeMounts.0.readonly", json!(true)),
        (
            "spec.containers.0.volumeMounts.0.mountPropagation",
            json!("HostToContainer"),
        ),
        (
            "spec.containers.0.volumeMounts.0.mountPropagation",
            json!("Bidirectional"),
        ),
        (
            "spec.containers.0.volumeMounts.0.mountPropagation",
            json!("rshared"),
        ),
        (
            "spec.containers.0.volumeMounts.0.recursiveReadOnly",
            json!("Enabled"),
        ),
        (
            "spec.containers.0.volumeMounts.1",
            json!({"name": "v", "mountPath": "/v"}),
        ),
        (
            "spec.containers.0.volumeMounts.1",
            json!({"name": "v", "mountPath": "/w"}),
        ),
        (
            "spec.containers.0.volumeDevices",
            json!([{"name": "v", "devicePath": "/dev/x"}]),
        ),
        ("spec.volumes", json!({"v": {"hostPath": "/v"}})),
        ("spec.volumes.0.name", json!("V")),
        ("spec.volumes.1", json!({"name": "v", "emptyDir": {}})),
        ("spec.volumes.1", json!({"name": "w", "emptyDir": {}})),
        ("spec.volumes.1", json!({"name": "w", "emptyDir": null})),
        ("spec.volumes.1", json!({"name": "w"})),
        ("spec.volumes.1", json!({"emptyDir": {}})),
        (
            "spec.volumes.1",
            json!({"name": "w", "hostpath": {"path": "/w"}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "emptyDir": {"medium": "Memory", "sizeLimit": "64Mi"}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "emptyDir": {"sizeLimit": "64MB"}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "emptyDir": {}, "hostPath": {"path": "/w"}}),
        ),
        ("spec.volumes.0.hostPath", json!("/v")),
        ("spec.volumes.0.hostPath.type", json!("FileOrCreate")),
        ("spec.volumes.0.hostPath.type", json!("file")),
        ("spec.volumes.0.hostPath.type", json!("")),
        ("spec.volumes.0.hostPath.path", json!("v")),
        ("spec.volumes.0.hostPath.path", json!("/v/../w")),
        ("spec.volumes.0.hostPath.path", json!("")),
        (
            "spec.volumes.1",
            json!({"name": "w", "nfs": {"server": "s", "path": "/x"}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "nfs": {"server": "s", "path": "x"}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "nfs": {"path": "/x"}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "metadata.labels"}}]}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "downwardAPI": {"items": [{"path": "a", "fieldRef": {"fieldPath": "status.podIP"}}]}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "downwardAPI": {"items": [{"path": "/a", "fieldRef": {"fieldPath": "metadata.name"}}]}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "downwardAPI": {"items": [{"path": "a"}]}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "downwardAPI": {"defaultMode": 420, "items": [{"path": "a", "resourceFieldRef": {"containerName": "a", "resource": "limits.cpu"}}]}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "downwardAPI": {"defaultMode": 1000, "items": []}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "projected": {"sources": [{"downwardAPI": {"items": []}}]}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "projected": {"defaultMode": -1, "sources": []}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "image": {"reference": "a/b:1"}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "gitRepo": {"repository": "x"}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "iscsi": {"targetPortal": "1.2.3.4", "iqn": "iqn.2015-02.example.com:test", "lun": 0}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "iscsi": {"targetPortal": "1.2.3.4", "iqn": "x", "lun": 0}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "fc": {"targetWWNs": ["x"]}}),
        ),
        (
            "spec.volumes.1",
            json!({"name": "w", "fc": {"targetWWNs": ["x"], "lun": 1}}),
        ),
    ]
}

/// Whole files.
pub const TEXTS: [&str; 20] = [
    "",
    "---\n",
    "# nothing\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: x}]}\n",
    "---\napiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: x}]}\n---\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  hostNetwork: yes\n  containers: [{name: a, image: x}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: x, env: [{name: A, value: yes}]}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: x, env: [{name: A, value: off}]}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: x, env: [{name: A, value: \"yes\"}]}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: x, args: [--a, 0x10]}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: x, args: [1_000]}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: x, args: [2026-11-30, 12:30, 1.2.3]}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: x}]\n  volumes: [{name: w, downwardAPI: {defaultMode: 0644, items: []}}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: x}]\n  volumes: [{name: w, downwardAPI: {defaultMode: 0o644, items: []}}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec:\n  containers: [{name: a, image: x}]\n  volumes: [{name: w, downwardAPI: {defaultMode: 644, items: []}}]\n",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: 1}\nspec: {containers: [{name: a, image: x}]}\n",
    "apiVersion: v1\nkind: pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: x}]}\n",
    "apiVersion: apps/v1\nkind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: x}]}\n",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
    "kind: Pod\nmetadata: {name: a}\nspec: {containers: [{name: a, image: x}]}\n",
];
