//! cloud-init itself: its modules on documents of ours, and user-data applied in a chroot.

use std::path::{Path, PathBuf};

use super::oracles;

/// Runs a script of ours that uses cloud-init's modules.
pub fn cloud_init_says(folder: &Path, script: &str, file: &str) -> String {
    let modules = oracles::cloud_init_modules();
    let output = oracles::command(folder, oracles::PYTHON)
        .arg(oracles::source("cloud_init").join(script))
        .arg(file)
        .env("PYTHONPATH", modules)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{script} of {file}: {said}");
    String::from_utf8(output.stdout).unwrap()
}

/// Applies user-data in a chroot below `folder`; returns its root.
pub fn apply_cloud_init(folder: &Path, user_data: &Path, modules: &str) -> PathBuf {
    apply_with_disks(folder, user_data, modules, "")
}

/// The same, with folders on which cloud-init mounts disks when the files are written; what is on these is in
/// `.oracle/disks` then.
pub fn apply_with_disks(folder: &Path, user_data: &Path, modules: &str, disks: &str) -> PathBuf {
    apply_in(folder, user_data, modules, &[("DISKS", disks)])
}

/// The same with what in_chroot.sh takes from its environment.
pub fn apply_in(
    folder: &Path,
    user_data: &Path,
    modules: &str,
    environment: &[(&str, &str)],
) -> PathBuf {
    let root = folder.join("root");
    let output = oracles::command(folder, "unshare")
        .args(["-m", "sh"])
        .arg(oracles::source("cloud_init/in_chroot.sh"))
        .args([&root, user_data])
        .arg(oracles::source("cloud_init/apply.py"))
        .arg(modules)
        .envs(environment.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cloud-init in a chroot: {said}");
    root
}
