//! Machines that boot over the network, by BIOS and by UEFI: iPXE, pxelinux and GRUB, each from its own ROM or image,
//! find the node's script by the MAC address, and the kernel, the base initrd and the node's payload by that.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::console::Console;
use super::{kernel, make_raw, needs_machines, pack, shell, unpacked};
use crate::boot::pxe::{MAC, SERVED, project};
use crate::formats::initrd::node;
use crate::support::fixture::Project;
use crate::support::oracles::Target;

/// A web server on loopback, which shows what anybody may read in the folders that it is to serve.
struct Server {
    port: u16,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn of(folder: PathBuf) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = asked.clone();
        // It ends with the process.
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let answer = answer(stream, &folder);
                seen.lock().unwrap().extend(answer);
            }
        });
        Self { port, asked }
    }

    fn asked_for(&self, end: &str) -> bool {
        let asked = self.asked.lock().unwrap();
        asked.iter().any(|path| path.ends_with(end))
    }
}

/// Answers one request; what was asked for and given.
fn answer(stream: TcpStream, folder: &Path) -> Option<String> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    reader.read_line(&mut request).ok()?;
    let path = request
        .split(' ')
        .nth(1)?
        .trim_start_matches('/')
        .to_owned();
    let mut line = String::new();
    while reader.read_line(&mut line).ok()? > 2 {
        line.clear();
    }
    let mut stream = reader.into_inner();
    let body = read_as_anybody(folder, &path);
    let head = match &body {
        Some(body) => format!("HTTP/1.0 200 OK\r\nContent-Length: {}\r\n\r\n", body.len()),
        None => "HTTP/1.0 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
    };
    stream.write_all(head.as_bytes()).ok()?;
    stream.write_all(body.as_deref().unwrap_or_default()).ok()?;
    body.map(|_| path)
}

/// A file below the folders that are served, if every folder above it and it itself is open to all.
fn read_as_anybody(folder: &Path, path: &str) -> Option<Vec<u8>> {
    use std::os::unix::fs::MetadataExt;
    let path = Path::new(path.strip_prefix("k8s/")?);
    let mut at = folder.to_owned();
    for (depth, part) in path.components().enumerate() {
        let Component::Normal(name) = part else {
            return None;
        };
        if depth == 0 && !SERVED.iter().any(|served| name == *served) {
            return None;
        }
        at.push(name);
        let seen = at.metadata().ok()?;
        let needed = if seen.is_dir() { 0o5 } else { 0o4 };
        if seen.mode() & needed != needed {
            return None;
        }
    }
    let mut body = Vec::new();
    fs::File::open(at).ok()?.read_to_end(&mut body).ok()?;
    Some(body)
}

/// The project of a machine whose kernel and base initrd are files of the project.
fn bundle(folder: &Path, served: &str) -> (Project, Vec<Value>) {
    let settings = format!(
        "{{url: \"{served}\", kernel: files/vmlinuz, initrd: [files/base.img], secrets: elsewhere,
          arguments: [console=ttyS0, panic=-1, no_timer_check, \"words=a;b\", \"node={{node}}\"]}}"
    );
    let project = project(
        &settings,
        &[("files/base.img", "base"), ("files/vmlinuz", "kernel")],
        folder,
    );
    project.good(&["build"]);
    let tree = fs::read(node(&project).join("tree.json")).unwrap();
    let tree: Value = serde_json::from_slice(&tree).unwrap();
    let public = tree["entries"].as_array().unwrap().iter();
    let public: Vec<Value> = public
        .filter(|entry| entry["secret"] == false)
        .cloned()
        .collect();
    (project, public)
}

#[test]
fn machines_find_their_node_by_the_mac_address() {
    needs_machines();
    Target::Boots.needs(["grub-mkimage"]);
    let scratch = tempfile::tempdir().unwrap();
    let folder = scratch.path();
    make_raw(folder);
    // An odd end: the payload after it must be found all the same.
    pack(folder, "odd");
    shell(folder, &format!("cp {} kernel", kernel(folder)));
    let base = Console::of(folder, "base", "", &[]).paths();
    let (bundle_at, tftp) = (folder.join("out"), folder.join("tftp"));
    fs::create_dir(&tftp).unwrap();
    let server = Server::of(bundle_at.clone());
    let served = format!("http://10.0.2.2:{}/k8s", server.port);
    let (project, public) = bundle(folder, &served);
    fs::rename(project.out(), &bundle_at).unwrap();

    let images = [
        unpacked("pxelinux/usr/lib/PXELINUX/lpxelinux.0"),
        unpacked("syslinux/usr/lib/syslinux/modules/bios/ldlinux.c32"),
    ];
    for image in images {
        fs::copy(&image, tftp.join(image.file_name().unwrap())).unwrap();
    }
    shell(folder, "cp -r out/boot/pxelinux.cfg tftp");
    let prefix = format!("(http,10.0.2.2:{})/k8s/boot/grub", server.port);
    make_grub(folder, &prefix, "grub-pc", "i386-pc-pxe", "core.0 pxe");
    make_grub(folder, &prefix, "grub-efi", "x86_64-efi", "core.efi efinet");
    let firmware = unpacked("ovmf/usr/share/ovmf/OVMF.fd");
    let uefi = ["-bios", firmware.to_str().unwrap()];

    let ipxe = format!("{served}/boot/boot.ipxe");
    for (name, first, firmware) in [
        ("iPXE", &*ipxe, &[][..]),
        ("pxelinux", "lpxelinux.0", &[]),
        ("GRUB", "core.0", &[]),
        ("iPXE of UEFI", &ipxe, &uefi),
        ("GRUB of UEFI", "core.efi", &uefi),
    ] {
        server.asked.lock().unwrap().clear();
        let nic = format!("user,model=virtio-net-pci,mac={MAC},tftp=tftp,bootfile={first}");
        let args = [&["-nic", &nic, "-boot", "n"], firmware].concat();
        let console = Console::of_machine(folder, name, &args);
        for what in [
            "base/files/vmlinuz",
            "base/files/base.img",
            "initramfs.cpio.gz",
        ] {
            assert!(server.asked_for(what), "{name}: {what}");
        }
        let words = console.arguments();
        for word in [
            "rdinit=/usr/lib/nodebake/init",
            "words=a;b",
            "node=gpu-1.example.com",
        ] {
            assert!(words.contains(&word), "{name}: {words:?}");
        }
        assert!(
            console.says("NODE containers can start"),
            "{name}: {console}"
        );
        console.has_entries(&public, &base, &["/usr/lib/nodebake/", "/mnt"]);
    }
}

/// An image of GRUB that is booted over the network: `words` are its name below `tftp`, and how it reaches the network card.
fn make_grub(folder: &Path, prefix: &str, package: &str, format: &str, words: &str) {
    let modules = format.trim_end_matches("-pxe");
    let modules = unpacked(&format!("{package}/usr/lib/grub/{modules}"));
    let modules = modules.display();
    shell(
        folder,
        &format!(
            "grub-mkimage -O {format} -d {modules} -p '{prefix}' -o tftp/{words} http tftp normal configfile linux echo regexp boot"
        ),
    );
}
