//! Docker's configuration, as far as it must agree with the kubelet. Source: docker/cli `docs/reference/dockerd.md`, "Daemon
//! configuration file".

use serde_json::Value as Json;

/// Who makes Docker's control groups, where daemon.json says it: systemd or cgroupfs.
pub fn docker_cgroup_driver(text: &str) -> Option<String> {
    let root: Json = serde_json::from_str(text).ok()?;
    let options = root.get("exec-opts")?.as_array()?;
    let mut options = options.iter().filter_map(Json::as_str);
    options
        .find_map(|option| option.strip_prefix("native.cgroupdriver="))
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_driver_is_an_option_among_others() {
        for (text, expected) in [
            (
                r#"{"exec-opts": ["a=b", "native.cgroupdriver=systemd"]}"#,
                Some("systemd"),
            ),
            (r#"{"exec-opts": "native.cgroupdriver=systemd"}"#, None),
            (r#"{"log-driver": "json-file"}"#, None),
            ("{", None),
        ] {
            assert_eq!(docker_cgroup_driver(text).as_deref(), expected, "{text}");
        }
    }
}
