//! Secrets that a live system fetches by https: the payload says whose server it is to believe, and from another one the
//! machine takes nothing and does not come up.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use super::console::Console;
use super::coreos_live::{boot, make_live};
use super::{needs_machines, pack, shell, within};
use crate::formats::initrd::{NODE, append, built_with, kernel_arguments, node};
use crate::support::fixture::Project;
use crate::support::oracles;

/// OpenSSL's web server on loopback.
struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// Serves a folder with the certificate that an authority gave it.
    fn of(folder: &Path, authority: &str) -> Self {
        let mut child = oracles::command(folder, "openssl")
            .args(["s_server", "-accept", "127.0.0.1:0", "-WWW", "-cert"])
            .arg(format!("{authority}.server.pem"))
            .args(["-key", &format!("{authority}.server.key")])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.as_mut().unwrap()).lines();
        let port = said
            .map_while(Result::ok)
            .find_map(|line| line.strip_prefix("ACCEPT 127.0.0.1:")?.parse().ok());
        Self {
            child,
            port: port.unwrap(),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An authority of its own, and the certificate of a server that machines reach as QEMU's host.
fn make_authority(folder: &Path, name: &str) {
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes";
    shell(
        folder,
        &format!(
            "openssl req -x509 {key} -keyout {name}.key -out {name}.pem -days 3650 -subj /CN={name}
             openssl req {key} -keyout {name}.server.key -out {name}.csr -subj /CN=server
             echo subjectAltName=IP:10.0.2.2 >extensions
             openssl x509 -req -in {name}.csr -CA {name}.pem -CAkey {name}.key -CAcreateserial -days 3650 \
                 -extfile extensions -out {name}.server.pem"
        ),
    );
}

/// A node that fetches its secrets from a port, and believes one authority.
fn project(folder: &Path, authority: &str, port: u16, timeouts: &str) -> Project {
    let certificate = fs::read_to_string(folder.join(format!("{authority}.pem"))).unwrap();
    let escapes = [("+", "%2B"), (" ", "%20"), ("\n", "%0A")];
    let certificate = escapes
        .iter()
        .fold(certificate, |text, (from, to)| text.replace(from, to));
    let site = format!(
        "{{\"ignition\": {{\"version\": \"3.0.0\", {timeouts} \"security\": {{\"tls\": {{\"certificateAuthorities\": \
         [{{\"source\": \"data:,{certificate}\"}}]}}}}}}}}"
    );
    let output = format!(
        "{{secrets: separate, initramfs: {{mode: coreosLive}}, ignition: {{merge: [site.ign], \
         secretsURL: \"https://10.0.2.2:{port}/{{node}}/config.secrets.ign\"}}}}"
    );
    let project = built_with(&output, &[("site.ign", &site)]);
    let served = folder.join(NODE);
    fs::create_dir_all(&served).unwrap();
    let name = "config.secrets.ign";
    fs::copy(node(&project).join(name), served.join(name)).unwrap();
    project
}

#[test]
fn secrets_come_from_the_server_that_the_payload_believes() {
    needs_machines();
    oracles::needs(["mksquashfs", "openssl"]);
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_live(folder);
    pack(folder, "zstd");
    make_authority(folder, "own");
    make_authority(folder, "other");
    let network = ["-nic", "user,model=virtio-net-pci"];
    let overlaid = |project: &Project| {
        let said = append(project, &within(folder, "base"), &within(folder, "both")).good();
        kernel_arguments(&said) + " ip=dhcp rd.neednet=1"
    };

    let server = Server::of(folder, "own");
    let good = project(folder, "own", server.port, "");
    let payload = fs::read(node(&good).join("initramfs.cpio.gz")).unwrap();
    assert!(payload.len() < 32 * 1024, "it holds no secret");
    let console = boot(folder, "both", &overlaid(&good), &network);
    let base = console.paths();
    let kubeconfig = "/etc/kubernetes/bootstrap-kubelet.kubeconfig";
    assert!(base[kubeconfig].starts_with("f 600 0 0 "), "{console}");
    // It is its own base: what else is there is asked of systems that fetch nothing.
    console.has_tree(&good, &base, &[]);

    // The same secrets, with a certificate of somebody else.
    let server = Server::of(folder, "other");
    let bad = project(
        folder,
        "own",
        server.port,
        "\"timeouts\": {\"httpTotal\": 30},",
    );
    let arguments =
        overlaid(&bad) + " rd.shell=0 rd.emergency=poweroff systemd.journald.forward_to_console=1";
    let said = Console::of_failure(folder, || boot(folder, "both", &arguments, &network));
    assert!(
        said.contains("certificate signed by unknown authority"),
        "{said}"
    );
    assert!(!said.contains("NODE "), "{said}");
}
