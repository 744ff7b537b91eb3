//! What `diff` says is checked by others: `patch` applies its unified diffs, Python's YAML and JSON readers find the same
//! fields, jq reads its output.

use std::fs;

use crate::commands::diff::{NODE, built, json};
use crate::support::fixture::Project;
use crate::support::oracles;

/// The node's files from both bundles, unpacked by tar from what has them.
fn unpacked(project: &Project) -> (std::path::PathBuf, std::path::PathBuf) {
    let extract = |bundle: &str| {
        let to = format!("{bundle}.root");
        let payload = format!("{bundle}/nodes/{NODE}/config.ign");
        project.good(&["inspect", &payload, "--extract", &to]);
        project.dir.join(to)
    };
    (extract("old"), extract("new"))
}

#[test]
fn patch_makes_the_new_files_of_the_old_ones() {
    oracles::needs(["patch"]);
    let project = built();
    let (old, new) = unpacked(&project);
    let said = json(&project, &["old", "new"]);
    let nodes = said["nodes"].as_array().unwrap();
    let node = nodes.iter().find(|node| node["node"] == NODE).unwrap();
    let mut patched = 0;
    for entry in node["entries"].as_array().unwrap() {
        let Some(unified) = entry["content"]["unified"].as_str() else {
            continue;
        };
        let diff = project.dir.join("one.diff");
        fs::write(&diff, unified).unwrap();
        oracles::content(
            &old,
            "patch",
            &["-p1", "--fuzz=0", "-i", diff.to_str().unwrap()],
        );
        let path = entry["path"].as_str().unwrap().trim_start_matches('/');
        assert_eq!(
            fs::read(old.join(path)).unwrap(),
            fs::read(new.join(path)).unwrap(),
            "{path}"
        );
        patched += 1;
    }
    assert!(patched >= 4, "{patched}");
}

/// Applies the fields to the old value and compares with the new one, in the words of Python's own readers.
const FIELDS: &str = r##"
import json, re, sys, yaml
said, old_root, new_root, node = json.load(open(sys.argv[1])), sys.argv[2], sys.argv[3], sys.argv[4]
HIDDEN = "<hidden>"

class Reader(yaml.SafeLoader):
    pass
def steps(path):
    out = []
    while path:
        for pattern, make in [
            (r'\[name=([^\]]*)\]', lambda m: ('name', m[1])),
            (r'\[(\d+)\]', lambda m: ('index', int(m[1]))),
            (r'\.?\[("(?:[^"\\]|\\.)*")\]', lambda m: ('key', json.loads(m[1]))),
            (r'\.?([^.\[]+)', lambda m: ('key', m[1])),
        ]:
            m = re.match(pattern, path)
            if m:
                out.append(make(m))
                path = path[m.end():]
                break
        else:
            raise SystemExit(f"no path: {path!r}")
    return out
def place(value, step, make):
    kind, what = step
    if kind == 'name':
        for index, item in enumerate(value):
            if item.get('name') == what:
                return index
        if make:
            value.append(None)
            return len(value) - 1
        raise SystemExit(f"no item {what}")
    return what
def apply(value, change):
    path = steps(change['path'])
    if not path:
        return change['new']
    *above, last = path
    at = value
    for step in above:
        at = at[place(at, step, False)]
    if 'new' in change:
        index = place(at, last, True)
        if 'old' in change:
            assert at[index] == change['old'] or HIDDEN in json.dumps(change['old']), (change, at[index])
        at[index] = change['new']
    else:
        index = place(at, last, False)
        assert at[index] == change['old'], change
        del at[index]
    return value
def hide(value):
    if isinstance(value, dict):
        return {key: HIDDEN if key == 'password' else hide(item) for key, item in value.items()}
    if isinstance(value, list):
        items = [hide(item) for item in value]
        named = all(isinstance(item, dict) and 'name' in item for item in items)
        return sorted(items, key=lambda item: item['name']) if named else items
    return value
def named(documents):
    out = {}
    for number, document in enumerate(documents, 1):
        try:
            name = f"{document['kind']}/{document['metadata']['name']}"
        except (KeyError, TypeError):
            name = f"document {number}"
        out[name] = document
    return out

count = 0
node = next(n for n in said['nodes'] if n['node'] == node)
for entry in node['entries']:
    content = entry.get('content') or {}
    if content.get('form') not in ('yaml', 'json'):
        continue
    read = (lambda f: list(yaml.safe_load_all(f))) if content['form'] == 'yaml' else (lambda f: [json.load(f)])
    old, new = (read(open(root + entry['path'])) for root in (old_root, new_root))
    if len(old) <= 1 and len(new) <= 1:
        old, new = old[0], new[0]
        for change in content.get('fields', []):
            old = apply(old, change)
            count += 1
    else:
        old, new = named(old), named(new)
        for change in content.get('fields', []):
            name, _, path = change['path'].partition(': ')
            if path:
                old[name] = apply(old[name], {**change, 'path': path})
            elif 'new' in change:
                old[name] = change['new']
            else:
                assert old.pop(name) == change['old'], change
            count += 1
    assert hide(old) == hide(new), (entry['path'], old, new)
print(count)
"##;

#[test]
fn the_fields_lead_from_the_old_values_to_the_new_ones() {
    oracles::needs(["python3"]);
    let project = built();
    let (old, new) = unpacked(&project);
    let said = project.good(&["diff", "old", "new", "-o", "json"]);
    let file = project.dir.join("said.json");
    fs::write(&file, said).unwrap();
    let [file, old, new] = [&file, &old, &new].map(|path| path.to_str().unwrap());
    let count = oracles::content(
        &project.dir,
        "python3",
        &["-c", FIELDS, file, old, new, NODE],
    );
    assert!(count.trim().parse::<usize>().unwrap() >= 10, "{count}");
}

#[test]
fn jq_reads_what_programs_are_told() {
    oracles::needs(["jq"]);
    let project = built();
    let said = project.good(&["diff", "old", "new", "-o", "json"]);
    fs::write(project.dir.join("said.json"), said).unwrap();
    let jq = |filter: &str| oracles::content(&project.dir, "jq", &["-r", filter, "said.json"]);
    assert_eq!(
        jq(".kind, .old.generation, .new.generation"),
        "Diff\n3\n4\n"
    );
    let fields = format!(
        ".nodes[] | select(.node == \"{NODE}\") | .entries[] | select(.path | endswith(\"kubelet-config.yaml\")) | .content.fields[] | select(.path == \"maxPods\") | \"\\(.old) \\(.new)\""
    );
    assert_eq!(jq(&fields), "110 120\n");
    assert_eq!(
        jq(".nodes[] | select(.change != \"changed\") | \"\\(.change) \\(.node)\""),
        "removed edge-002\nadded edge-003\n"
    );
    assert_eq!(jq(".summary.same"), "false\n");
}
