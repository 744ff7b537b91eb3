//! Files that the user's own files name. What is none (a folder, a pipe, which would be waited for) is a mistake of the
//! user's, with a word for the finding.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, openat};

/// Opens a regular file, links followed.
pub fn open(path: &Path) -> io::Result<File> {
    // NONBLOCK: opening a pipe would wait for a writer. It means nothing for regular files.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = File::from(openat(CWD, path, flags, Mode::empty())?);
    let kind = file.metadata()?.file_type();
    match (kind.is_dir(), kind.is_file()) {
        (true, _) => Err(io::Error::new(ErrorKind::IsADirectory, FOLDER)),
        (_, true) => Ok(file),
        (false, false) => Err(io::Error::new(ErrorKind::InvalidInput, OTHER)),
    }
}

/// All bytes of such a file.
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let _ = open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same of a text; an error of the kind `InvalidData` where it is none.
pub fn read_text(path: &Path) -> io::Result<String> {
    String::from_utf8(read(path)?)
        .map_err(|_| io::Error::new(ErrorKind::InvalidData, "it is not UTF-8"))
}

const FOLDER: &str = "is a folder";
const OTHER: &str = "is no regular file";

/// What is wrong with what was named, where that is the user's to mend: it follows the path in a finding.
pub fn mistake(error: &io::Error) -> Option<&'static str> {
    match error.kind() {
        ErrorKind::NotFound | ErrorKind::NotADirectory => Some("is missing"),
        ErrorKind::IsADirectory => Some(FOLDER),
        ErrorKind::InvalidInput => Some(OTHER),
        ErrorKind::InvalidData => Some("is not UTF-8"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_is_told_without_waiting() {
        let folder = tempfile::tempdir().expect("a scratch folder");
        let at = |name: &str| folder.path().join(name);
        std::fs::write(at("bytes"), b"\xff").expect("free");
        std::os::unix::fs::symlink("bytes", at("link")).expect("free");
        assert_eq!(read(&at("link")).expect("a file"), b"\xff");
        let pipe = std::process::Command::new("mkfifo")
            .arg(at("pipe"))
            .status();
        assert!(pipe.expect("coreutils").success());
        for (name, why) in [
            ("", "is a folder"),
            ("none", "is missing"),
            ("bytes/none", "is missing"),
            ("pipe", "is no regular file"),
            ("bytes", "is not UTF-8"),
        ] {
            let error = read_text(&at(name)).expect_err(name);
            assert_eq!(mistake(&error), Some(why), "{name}");
        }
    }
}
