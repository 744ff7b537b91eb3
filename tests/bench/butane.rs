//! The same nodes by Butane, run once for each as its users do, on configurations that lie there ready.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::to_butane::as_butane;

/// How long Butane takes for the nodes of a bundle; None where there is no Butane.
pub fn butane(bundle: &Path, scratch: &Path) -> Option<Duration> {
    let program = program()?;
    let configs: Vec<PathBuf> = fs::read_dir(bundle.join("nodes"))
        .unwrap()
        .enumerate()
        .map(|(index, node)| {
            let ours = fs::read_to_string(node.unwrap().path().join("config.ign")).unwrap();
            // Butane's oldest version has no files beside the configuration.
            let ours = ours.replacen("3.0.0", "3.1.0", 1);
            let config: Value = serde_json::from_str(&ours).unwrap();
            let file = scratch.join(format!("{index}.bu"));
            fs::write(&file, as_butane(&config, scratch).to_string()).unwrap();
            file
        })
        .collect();
    let start = Instant::now();
    for config in &configs {
        let status = Command::new(&program)
            .arg("--strict")
            .arg("--output")
            .arg(config.with_extension("ign"))
            .arg("--files-dir")
            .arg(scratch)
            .arg(config)
            .stdout(Stdio::null())
            .status();
        assert!(status.unwrap().success(), "butane {}", config.display());
    }
    Some(start.elapsed())
}

/// `make oracles` builds it; one on the PATH will do.
fn program() -> Option<PathBuf> {
    let built = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("oracles/bin/butane");
    let on_path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&on_path).map(|folder| folder.join("butane"));
    std::iter::once(built)
        .chain(on_path)
        .find(|file| file.is_file())
}
