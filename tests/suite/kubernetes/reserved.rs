//! What a kubelet keeps back from pods, and what the machine has: a kubelet that keeps back more does not start.

use std::fs;

use crate::kubernetes::kubelets::{kubelets, minor};
use crate::support::fixture::{Project, text};
use crate::support::oracles;
use crate::support::tool::nodebake;

/// The findings about a new project whose nodes are as `settings` say.
fn said(settings: &str) -> (String, Option<i32>) {
    let project = Project::empty();
    nodebake(project.scratch(), &["init", "project"]).good();
    let file = project.dir.join("cluster.yaml");
    let inventory = fs::read_to_string(&file).unwrap();
    fs::write(&file, inventory + settings).unwrap();
    let output = nodebake(&project.dir, &["check"]).run();
    (text(&output.stdout), output.status.code())
}

const STORAGE: &str = "MiB of ephemeral-storage, and a root in the initramfs has at most";

#[test]
fn a_root_in_memory_has_room_for_what_the_kubelet_reserves() {
    // 1 GiB, 1 GiB and a tenth of what there is, which is half of the memory.
    let (report, code) = said("os: {memory: 4Gi}\n");
    let rule = format!(
        "os.memory: the kubelet does not start: it keeps back 2253 {STORAGE} 2048 MiB; lower"
    );
    assert!(code == Some(3) && report.contains(&rule), "{report}");
    assert_eq!(report.lines().count(), 1, "{report}");
    let (report, code) = said("os: {memory: 4550Mi}\n");
    assert!(code == Some(3) && report.contains(STORAGE), "{report}");
    let lower =
        "{systemReserved: {ephemeral-storage: null}, kubeReserved: {ephemeral-storage: 64Mi}}";
    for good in [
        "os: {memory: 4552Mi}\n",
        "os: {memory: 4Gi}\noutput: {initramfs: {mode: copyToRoot}}\n",
        "os: {memory: 4Gi}\noutput: {formats: [tarball, cloudInit]}\n",
        "os: {memory: 4Gi}\nkubelet: {config: {localStorageCapacityIsolation: false}}\n",
        "os: {memory: 4Gi}\nfiles: {/etc/fstab: {content: \"LABEL=kubelet /var/lib/kubelet ext4\\n\"}}\n",
        "os: {memory: 4Gi}\nunits: {var-lib-kubelet.mount: {text: \"[Mount]\\nWhat=/dev/sda\\nWhere=/var/lib/kubelet\\n\"}}\n",
        &format!("os: {{memory: 1Gi}}\nkubelet: {{config: {lower}}}\n"),
    ] {
        let (report, code) = said(good);
        assert_eq!(
            (report.contains("keeps back"), code),
            (false, Some(0)),
            "{good}{report}"
        );
    }
}

#[test]
fn a_machine_has_the_memory_that_the_kubelet_reserves() {
    for (memory, code) in [("611Mi", Some(3)), ("612Mi", Some(0))] {
        let (report, ended) = said(&format!(
            "os: {{memory: {memory}}}\noutput: {{formats: [tarball]}}\n"
        ));
        let found = report.contains("it keeps back 612 MiB of memory, and the machine has 611 MiB");
        assert_eq!((ended, found), (code, code == Some(3)), "{report}");
    }
}

/// A kubelet without an API server, on a file system in memory of a given size, beside a containerd of its own; in
/// namespaces of their own, with which both end. `$1` is the size in MiB, `$2` the kubelet.
const STANDALONE: &str = r#"
mount --make-rprivate /
ip link set lo up
mkdir -p kubelet
mount -t tmpfs -o "size=${1}m" tmpfs kubelet
printf 'version = 2\nroot = "%s/root"\nstate = "%s/state"\n[grpc]\naddress = "%s/containerd.sock"\n' "$PWD" "$PWD" "$PWD" >containerd.toml
containerd-1.6 --config containerd.toml >containerd.log 2>&1 &
tries=0
while [ ! -S containerd.sock ] && [ $tries -lt 300 ]; do sleep 0.2; tries=$((tries + 1)); done
"$2" --config config.yaml --root-dir "$PWD/kubelet" --hostname-override worker-1 --v=2 >kubelet.log 2>&1 &
kubelet=$!
tries=0
# What watches for plug-ins starts after the manager of containers, which looks at what is reserved (initializeRuntimeDependentModules
# in pkg/kubelet/kubelet.go).
while kill -0 $kubelet 2>/dev/null && ! grep -q plugin_manager.go kubelet.log && [ $tries -lt 600 ]; do
    sleep 0.2
    tries=$((tries + 1))
done
cat kubelet.log
"#;

#[test]
fn a_real_kubelet_ends_where_we_say_that_it_does_not_start() {
    oracles::needs_root();
    oracles::needs(["containerd-1.6", "unshare"]);
    for (release, kubelet) in kubelets() {
        // Older ones have no field for the runtime, newer ones want a containerd 2.
        if !(27..36).contains(&minor(release)) {
            continue;
        }
        for (memory, starts) in [(4550, false), (4552, true)] {
            let project = Project::empty();
            nodebake(project.scratch(), &["init", "project"]).good();
            let folder = project.scratch().display();
            let file = project.dir.join("cluster.yaml");
            let inventory = fs::read_to_string(&file).unwrap();
            let inventory = inventory.replace("v1.34.4", release);
            let config = format!(
                "{{containerRuntimeEndpoint: unix://{folder}/containerd.sock, enableServer: false, enableDebuggingHandlers: false, cgroupDriver: cgroupfs,\n  \
                 cgroupsPerQOS: false, enforceNodeAllocatable: [], failSwapOn: false, protectKernelDefaults: false,\n  \
                 serverTLSBootstrap: false, rotateCertificates: false, staticPodPath: null, volumePluginDir: {folder}/plugins,\n  \
                 authentication: {{anonymous: {{enabled: true}}, webhook: {{enabled: false}}, x509: null}}, authorization: {{mode: AlwaysAllow}},\n  \
                 shutdownGracePeriod: null, shutdownGracePeriodCriticalPods: null}}"
            );
            // It runs alone, with nobody who could call it.
            let accepted = [
                "anonymous",
                "authorization-open",
                "client-ca-missing",
                "rotation-off",
            ]
            .map(|id| format!("  kubelet-{id}: {{level: off, reason: it runs alone}}\n"))
            .concat();
            let with = |os: &str| {
                format!("{inventory}{os}kubelet: {{config: {config}}}\nfindings:\n{accepted}")
            };
            fs::write(&file, with(&format!("os: {{memory: {memory}Mi}}\n"))).unwrap();
            let check = nodebake(&project.dir, &["check"]).run();
            let said = text(&check.stdout);
            assert_eq!(said.contains(STORAGE), !starts, "{release}: {said}");
            // Without the amount nothing is checked, and the node can be baked.
            fs::write(&file, with("")).unwrap();
            let args = [
                "show",
                "worker-1",
                "--file",
                "/etc/kubernetes/kubelet-config.yaml",
            ];
            let baked = nodebake(&project.dir, &args).good();
            fs::write(project.scratch().join("config.yaml"), baked).unwrap();
            let half = (memory / 2).to_string();
            let args = [
                "--mount",
                "--net",
                "--pid",
                "--fork",
                "--kill-child",
                "--mount-proc",
                "sh",
                "-euc",
                STANDALONE,
                "sh",
            ];
            let args = [&args[..], &[&half, kubelet.to_str().unwrap()]].concat();
            let log = oracles::content(project.scratch(), "unshare", &args);
            let refused = log.contains("invalid Node Allocatable configuration");
            assert_eq!(
                (refused, log.contains("plugin_manager.go")),
                (!starts, starts),
                "{release}: {log}"
            );
        }
    }
}
