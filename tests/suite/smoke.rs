//! That the judges themselves answer.

use crate::judges;

#[test]
fn tar_is_gnu_tar() {
    if judges::present("tar") {
        let version = judges::content(std::path::Path::new("/"), "tar", &["--version"]);
        assert!(version.contains("GNU tar"), "{version}");
    }
}
