//! tree.json and tree.sums before sha256sum, a POSIX shell and jq.

use std::fs;

use nodebake::model::output::Compression;
use nodebake::payload::tarball;
use nodebake::tree::listing::TreeListing;
use tempfile::TempDir;

use crate::support::oracles;
use crate::support::sample::{declared, is_root, rich};

/// The grammar that `tree.sums` documents, read with nothing but a shell and stat.
const CHECK: &str = r#"
tab=$(printf '\t')
bad=0
while IFS="$tab" read -r kind mode uid gid user group path target; do
    case $kind in
    '#dir') expected="directory $mode $uid $gid" ;;
    '#file') expected="regular file $mode $uid $gid" ;;
    '#link') expected="symbolic link $mode $uid $gid"
        [ "$(readlink "$path")" = "$target" ] || { echo "link $path"; bad=1; } ;;
    *) continue ;;
    esac
    found=$(stat -c '%F %04a %u %g' "$path" | sed 's/regular empty file/regular file/')
    [ "$found" = "$expected" ] || { echo "$path: $found, not $expected"; bad=1; }
    count=$((count + 1))
done < tree.sums
echo "$count entries"
exit $bad
"#;

#[test]
fn an_unpacked_root_passes_the_signed_listing() {
    oracles::needs(["tar", "sha256sum"]);
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    let listing = TreeListing::of("n-1", &tree);
    let root = scratch.path().join("root");
    fs::create_dir(&root).unwrap();
    let mut packed = Vec::new();
    tarball::write(&tree, Compression::None, &mut packed).unwrap();
    fs::write(scratch.path().join("n.tar"), packed).unwrap();
    oracles::content(&root, "tar", &["-xpf", "../n.tar"]);
    fs::write(root.join("tree.sums"), &listing.sums).unwrap();

    let output = oracles::run(&root, "sha256sum", &["--strict", "-c", "tree.sums"]);
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && words.is_empty(), "{words}");
    let files = declared(&tree)
        .values()
        .filter(|row| row.kind == 'f')
        .count();
    let checked = String::from_utf8_lossy(&output.stdout).lines().count();
    assert_eq!(checked, files);
    if is_root() {
        let counted = oracles::content(&root, "sh", &["-c", CHECK]);
        assert_eq!(counted, format!("{} entries\n", declared(&tree).len()));
    }

    fs::write(root.join("etc/empty"), "no more").unwrap();
    let changed = oracles::run(&root, "sha256sum", &["--strict", "-c", "tree.sums"]);
    assert!(!changed.status.success());
}

#[test]
fn json_is_read_by_jq_and_holds_no_secret() {
    let scratch = TempDir::new().unwrap();
    let tree = rich(scratch.path());
    let listing = TreeListing::of("n-1", &tree);
    assert_eq!(listing, TreeListing::of("n-1", &tree));
    let text = String::from_utf8(listing.json.clone()).unwrap();
    assert!(!text.contains("abcdef.0123456789abcdef"));
    assert!(
        !text.contains(scratch.path().to_str().unwrap()),
        "no path of the builder"
    );
    oracles::needs(["jq"]);
    fs::write(scratch.path().join("tree.json"), listing.json).unwrap();
    let query = r#"(.entries[] | "\(.type[0:1]) \(.mode) \(.uid) \(.gid) \(.path[1:]) \(.sha256 // .target // "")"), (.units[] | select(.masked) | .name)"#;
    let listed = oracles::content(scratch.path(), "jq", &["-r", query, "tree.json"]);
    let mut expected = String::new();
    for (path, row) in declared(&tree) {
        let kind = if row.kind == 'l' { 's' } else { row.kind };
        let (mode, uid, gid, body) = (row.mode, row.uid, row.gid, row.body);
        expected += &format!("{kind} {mode:04o} {uid} {gid} {path} {body}\n");
    }
    expected += "swap.target\n";
    assert_eq!(listed, expected);
}
