use super::*;
use std::process::Command;

fn shell(folder: &Path, script: &str) {
    let status = Command::new("sh")
        .args(["-c", script])
        .current_dir(folder)
        .status();
    assert!(status.expect("a shell").success(), "{script}");
}

#[test]
fn what_is_no_file_is_told_without_waiting() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("bytes"), b"\xff").expect("free");
    shell(
        folder.path(),
        "ln -s bytes link; ln -s circle circle; mkfifo pipe; truncate -s 1T sparse",
    );
    let _socket = std::os::unix::net::UnixListener::bind(at("socket")).expect("free");
    let limit = Limit::kib(1);
    assert_eq!(read(&at("link"), limit).expect("a file"), b"\xff");
    for (name, why) in [
        ("", "is a folder"),
        ("none", "is missing"),
        ("bytes/none", "is missing"),
        ("a\0b", "has no name that a file can have"),
        ("circle", "is a link that leads to itself"),
        ("pipe", "is a named pipe, and no regular file"),
        ("socket", "is a socket, and no regular file"),
        ("/dev/zero", "is a device, and no regular file"),
        ("sparse", "is longer than 1 KiB, the limit"),
        ("bytes", "is not UTF-8"),
    ] {
        let error = read(&at(name), limit).and_then(text).expect_err(name);
        assert_eq!(
            mistake(&error).map(|flaw| flaw.what).as_deref(),
            Some(why),
            "{name}"
        );
    }
    for name in ["/dev/zero", "socket", "sparse"] {
        read_or_pipe(&at(name), limit).expect_err(name);
    }
}

#[test]
fn a_pipe_is_read_where_somebody_writes_it() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let pipe = folder.path().join("pipe");
    shell(folder.path(), "mkfifo pipe");
    let error = read_or_pipe(&pipe, Limit::kib(1)).expect_err("nobody writes");
    assert_eq!(
        mistake(&error).map(|flaw| flaw.what).as_deref(),
        Some("is a pipe that nobody writes to")
    );
    for (script, found) in [
        ("printf abc > pipe", Some("abc")),
        (
            "exec > pipe; sleep 0.3; printf abc; sleep 0.1; printf d",
            Some("abcd"),
        ),
        ("sleep 0.2; printf abc > pipe", Some("abc")),
        ("head -c 9999 /dev/zero > pipe", None),
        ("cat /dev/zero > pipe 2>/dev/null", None),
    ] {
        let writer = Command::new("sh")
            .args(["-c", script])
            .current_dir(&folder)
            .spawn();
        let read = read_or_pipe(&pipe, Limit::kib(1));
        match found {
            Some(found) => assert_eq!(&**read.expect(script).0, found.as_bytes()),
            None => {
                let error = read.expect_err(script);
                let why = "is longer than 1 KiB, the limit";
                assert_eq!(mistake(&error).map(|flaw| flaw.what).as_deref(), Some(why));
            }
        }
        let _ = writer.expect("a shell").wait();
    }
}

#[test]
fn limits_are_said_in_round_numbers() {
    for (limit, said) in [
        (Limit::bytes(64), "64 bytes"),
        (Limit::kib(16), "16 KiB"),
        (Limit::mib(64), "64 MiB"),
        (Limit::mib(2048), "2 GiB"),
        (Limit::bytes(1025), "1025 bytes"),
    ] {
        assert_eq!(limit.to_string(), said);
    }
}
