//! Requests and limits of pods as a whole, and of huge pages: what the kubelets say of them is recorded.

use serde_json::{Value, json};

const BOTH: &str = "spec.resources & spec.containers.0.resources";

/// Path and value, or several paths with a list of values.
pub fn changes() -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let alone = [
        json!({"limits": {"cpu": "1"}}),
        json!({"requests": {"cpu": "1"}}),
        json!({"requests": {"cpu": "2"}, "limits": {"cpu": "1"}}),
        json!({"requests": {"cpu": "1"}, "limits": {"cpu": "2", "memory": "1Gi"}}),
        json!({"limits": {"ephemeral-storage": "1Gi"}}),
        json!({"requests": {"example.com/gpu": 1}, "limits": {"example.com/gpu": 1}}),
        json!({"limits": {"disk": "1Gi"}}),
        json!({"limits": {"cpu": "-1"}}),
        json!({"limits": {"hugepages-2Mi": "4Mi"}}),
        json!({"limits": {"hugepages-2Mi": "4Mi", "cpu": "1"}}),
        json!({"limits": {"hugepages-2Mi": "3Mi", "cpu": "1"}}),
        json!({"requests": {"hugepages-2Mi": "4Mi", "cpu": "1"}}),
        json!({"requests": {"hugepages-2Mi": "2Mi"}, "limits": {"hugepages-2Mi": "4Mi", "cpu": "1"}}),
        json!({"claims": []}),
        json!({"claims": [{"name": "a"}]}),
        json!({}),
        json!({"limits": null}),
    ];
    all.extend(alone.map(|value| ("spec.resources", value)));
    let both = [
        json!([{"limits": {"cpu": "1"}}, {"limits": {"cpu": "2"}}]),
        json!([{"limits": {"cpu": "2"}}, {"limits": {"cpu": "2"}}]),
        json!([{"limits": {"cpu": "1"}}, {"requests": {"cpu": "2"}}]),
        json!([{"requests": {"cpu": "1"}}, {"requests": {"cpu": "2"}}]),
        json!([{"requests": {"cpu": "1"}}, {"limits": {"cpu": "2"}}]),
        json!([{"requests": {"cpu": "1"}}, {"requests": {"cpu": "1"}, "limits": {"cpu": "2"}}]),
        json!([{"requests": {"memory": "64Mi"}}, {"requests": {"memory": "64M"}}]),
        json!([{"requests": {"memory": "64M"}}, {"requests": {"memory": "64Mi"}}]),
        json!([{"limits": {"cpu": "1"}}, {"limits": {"hugepages-2Mi": "4Mi", "memory": "64Mi"}}]),
        json!([{"limits": {"hugepages-2Mi": "2Mi", "memory": "64Mi"}}, {"limits": {"hugepages-2Mi": "4Mi", "memory": "64Mi"}}]),
        json!([{"limits": {"hugepages-2Mi": "4Mi"}}, {"limits": {"hugepages-2Mi": "4Mi", "memory": "64Mi"}}]),
        json!([{"requests": {"hugepages-2Mi": "4Mi"}}, {"requests": {"cpu": "1"}}]),
    ];
    all.extend(both.map(|value| (BOTH, value)));
    let init = |policy: Option<&str>, cpu: &str| {
        let mut container =
            json!({"name": "i", "image": "a/b:1", "resources": {"requests": {"cpu": cpu}}});
        if let Some(policy) = policy {
            container["restartPolicy"] = json!(policy);
        }
        container
    };
    let three = "spec.resources & spec.containers.0.resources & spec.initContainers";
    let pod = json!({"requests": {"cpu": "2"}});
    let one = json!({"requests": {"cpu": "1"}});
    for list in [
        json!([init(None, "2")]),
        json!([init(None, "3")]),
        json!([init(Some("Always"), "1")]),
        json!([init(Some("Always"), "2")]),
    ] {
        all.push((three, json!([pod, one, list])));
    }
    let huge = ["3Mi", "2Mi", "2097152", "1", "0"];
    all.extend(huge.map(|amount| {
        let limits = json!({"limits": {"hugepages-2Mi": amount, "memory": "64Mi"}});
        ("spec.containers.0.resources", limits)
    }));
    for name in [
        "hugepages-",
        "hugepages-x",
        "hugepages-0",
        "hugepages-1500m",
    ] {
        let limits = json!({"limits": {name: "4Mi", "memory": "64Mi"}});
        all.push(("spec.containers.0.resources", limits));
    }
    all
}
