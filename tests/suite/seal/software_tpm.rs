//! A TPM in software (swtpm): its own process, its own state, its own storage key.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::time::{Duration, Instant};

use nodebake::seal::{SealingSeed, StorageKey};
use tempfile::TempDir;

use crate::support::oracles;

/// The seed of all tests.
pub fn seed() -> SealingSeed {
    SealingSeed::new(*b"a seed for tests, 32 bytes of it")
}

/// A TPM that runs until it is dropped.
pub struct SoftwareTpm {
    folder: TempDir,
    process: Child,
}

impl SoftwareTpm {
    /// Starts a new TPM. The running test must have named `swtpm` and `tpm2`.
    pub fn start() -> Self {
        // The path of a socket may have 107 bytes, so it is not below the target folder.
        let folder = TempDir::with_prefix("tpm").unwrap();
        let state = folder.path().join("state");
        fs::create_dir(&state).unwrap();
        let socket = folder.path().join("s");
        let process = oracles::command(folder.path(), "swtpm")
            .args(["socket", "--tpm2", "--flags", "not-need-init,startup-clear"])
            .arg(format!("--tpmstate=dir={}", state.display()))
            .arg(format!("--server=type=unixio,path={}", socket.display()))
            // Where the library looks for it.
            .arg(format!("--ctrl=type=unixio,path={}.ctrl", socket.display()))
            .stdout(Stdio::null())
            // It says whenever a client goes.
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(&socket);
        Self { folder, process }
    }

    /// A folder for files of this TPM.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// How the libraries of TPMs name it.
    fn tcti(&self) -> String {
        format!("swtpm:path={}", self.folder.path().join("s").display())
    }

    /// Runs a program of tpm2-tools in the TPM's folder.
    pub fn try_tool(&self, args: &str) -> Output {
        let run = |args: &str| {
            oracles::command(self.folder(), "tpm2")
                .args(args.split(' '))
                .env("TPM2TOOLS_TCTI", self.tcti())
                .output()
                .unwrap()
        };
        let output = run(args);
        // No resource manager takes the objects of a program that has ended.
        run("flushcontext -t");
        output
    }

    /// The same, which must succeed; its output.
    pub fn tool(&self, args: &str) -> Vec<u8> {
        let output = self.try_tool(args);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "tpm2 {args}: {said}");
        output.stdout
    }

    /// The public part of the storage key, as an administrator writes it down.
    pub fn public(&self) -> Vec<u8> {
        self.tool("createprimary -Q -C o -G ecc -c p.ctx -f tss -o node.pub");
        fs::read(self.folder().join("node.pub")).unwrap()
    }

    /// The same, read.
    pub fn key(&self) -> StorageKey {
        StorageKey::from_bytes(&self.public()).unwrap()
    }

    /// What a `systemd-creds` reads from a credential, or its complaint.
    pub fn open(&self, systemd: &str, name: &str, credential: &str) -> Result<Vec<u8>, String> {
        let file: PathBuf = self.folder().join("credential");
        fs::write(&file, credential).unwrap();
        let output = oracles::command(self.folder(), systemd)
            .arg(format!("--tpm2-device={}", self.tcti()))
            .arg(format!("--name={name}"))
            .args(["decrypt", "credential", "-"])
            .output()
            .unwrap();
        if output.status.success() {
            Ok(output.stdout)
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

impl SoftwareTpm {
    /// The same TPM for a virtual machine, which powers it on itself.
    pub fn of_machine(mut self) -> Self {
        self.tool("shutdown -c");
        let _ = self.process.kill();
        let _ = self.process.wait();
        let state = self.folder().join("state");
        let socket = self.folder().join("machine");
        self.process = oracles::command(self.folder(), "swtpm")
            .args(["socket", "--tpm2", "--terminate"])
            .arg(format!("--tpmstate=dir={}", state.display()))
            .arg(format!("--ctrl=type=unixio,path={}", socket.display()))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        wait_for(&socket);
        self
    }

    /// What an emulator is told of it.
    pub fn device(&self) -> Vec<String> {
        let socket = self.folder().join("machine");
        let chardev = format!("socket,id=tpm,path={}", socket.display());
        let args = [
            "-chardev",
            &chardev,
            "-tpmdev",
            "emulator,id=tpm0,chardev=tpm",
        ];
        let more = ["-device", "tpm-tis,tpmdev=tpm0"];
        args.iter().chain(&more).map(ToString::to_string).collect()
    }
}

fn wait_for(socket: &Path) {
    let begun = Instant::now();
    while !socket.exists() {
        assert!(begun.elapsed() < Duration::from_secs(30), "no TPM came up");
        std::thread::sleep(Duration::from_millis(10));
    }
}

impl Drop for SoftwareTpm {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
