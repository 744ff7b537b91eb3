//! An Ignition configuration, spec 3: files with their decoded contents, directories, links and units.

use std::borrow::Cow;
use std::io::Read;

use anyhow::{Context, bail};
use serde_json::Value;
use sha2::{Digest, Sha256, Sha512};

use crate::decompress;
use crate::error::Result;
use crate::inspect::collect::{Collector, Item};
use crate::inspect::{RowKind, UnitRow};
use crate::model::hex;
use crate::payload::ignition::decode_data_url;
use crate::wording::{are, counted};

/// Where Ignition writes units.
const UNITS: &str = "/etc/systemd/system";

/// Reads a whole configuration.
pub fn read(bytes: &[u8], into: &mut Collector) -> Result<()> {
    let most = into.limits().values();
    if values(bytes) > most {
        bail!("more than {} in it", counted(most, "value"));
    }
    let document: Value = serde_json::from_slice(bytes).context("it is not JSON")?;
    let version = document["ignition"]["version"].as_str();
    let Some(version) = version else {
        bail!("it is not an Ignition configuration: ignition.version is missing");
    };
    if !version.starts_with("3.") {
        bail!("an Ignition configuration of version {version}; only 3 is read");
    }
    into.note(format!("Ignition specification {version}"))?;
    into.says("", || without_files(&document));
    for kind in ["merge", "replace"] {
        for source in sources(&document["ignition"]["config"][kind]) {
            // What is inside may hold secrets, and is no name for people.
            into.note(match decode_data_url(source) {
                Some(_) => format!(
                    "{kind}s a configuration that is inside, {}",
                    counted(source.len(), "byte")
                ),
                None => format!("{kind}s {source}"),
            })?;
        }
    }
    let storage = &document["storage"];
    for directory in list(&storage["directories"]) {
        let path = path(directory)?;
        let mut item = Item::new(path.as_bytes(), RowKind::Directory);
        set_owner(&mut item, directory, 0o755);
        into.entry(item, None)?;
    }
    for file in list(&storage["files"]) {
        let path = path(file)?;
        let mut item = Item::new(path.as_bytes(), RowKind::File);
        set_owner(&mut item, file, 0o644);
        contents(item, &file["contents"], into).with_context(|| format!("in {path}"))?;
        let appended = list(&file["append"]).len();
        if appended > 0 {
            into.note(format!(
                "{path}: {} appended",
                are(appended, "more content")
            ))?;
        }
    }
    for link in list(&storage["links"]) {
        let kind = match link["hard"].as_bool() {
            Some(true) => RowKind::HardLink,
            _ => RowKind::Symlink,
        };
        let path = path(link)?;
        let mut item = Item::new(path.as_bytes(), kind);
        item.target = link["target"].as_str().unwrap_or_default().as_bytes();
        set_owner(&mut item, link, 0o777);
        into.entry(item, None)?;
    }
    for unit in list(&document["systemd"]["units"]) {
        read_unit(unit, into)?;
    }
    for user in list(&document["passwd"]["users"]) {
        let name = user["name"].as_str().unwrap_or_default();
        into.note(format!("makes or changes the user {name}"))?;
    }
    Ok(())
}

/// How many values and keys a JSON text holds at most: all but the first follow one of these characters.
fn values(json: &[u8]) -> usize {
    let (mut count, mut in_string, mut escaped) = (1, false, false);
    for byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' | b',' | b':' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

/// The configuration without what is listed as entries and units.
fn without_files(document: &Value) -> Value {
    let mut rest = document.clone();
    for (part, keys) in [
        ("storage", &["directories", "files", "links"][..]),
        ("systemd", &["units"]),
    ] {
        let Some(part) = rest.get_mut(part).and_then(Value::as_object_mut) else {
            continue;
        };
        part.retain(|key, _| !keys.contains(&key.as_str()));
    }
    rest
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The sources of a list of resources, or of one.
fn sources(value: &Value) -> impl Iterator<Item = &str> {
    let one = std::iter::once(value).filter(|value| value.is_object());
    let source = |value: &&Value| value["source"].is_string();
    let all = list(value).iter().chain(one).filter(source);
    all.map(|value| value["source"].as_str().unwrap_or_default())
}

fn path(node: &Value) -> Result<&str> {
    node["path"].as_str().context("a file without a path")
}

/// Mode and owner, with Ignition's own defaults.
fn set_owner(item: &mut Item<'_>, node: &Value, mode: u32) {
    let row = &mut item.row;
    let said = node["mode"]
        .as_u64()
        .and_then(|mode| u32::try_from(mode).ok());
    row.mode = Some(said.unwrap_or(mode) & 0o7777);
    let name = |key: &str| node[key]["name"].as_str().map(str::to_owned);
    let id = |key: &str, name: &Option<String>| {
        let id = node[key]["id"].as_u64();
        // A name is looked up on the node.
        id.or(name.is_none().then_some(0))
    };
    (row.user, row.group) = (name("user"), name("group"));
    row.uid = id("user", &row.user);
    row.gid = id("group", &row.group);
}

fn contents(mut item: Item<'_>, resource: &Value, into: &mut Collector) -> Result<()> {
    let Some(source) = resource["source"].as_str() else {
        // Without contents the file stays as it is, or is made empty.
        return into.entry(item, None);
    };
    let Some(bytes) = decode_data_url(source) else {
        item.row.source = Some(source.to_owned());
        return into.entry(item, None);
    };
    let bytes = bytes?;
    let bytes = match resource["compression"].as_str() {
        None | Some("") => bytes,
        Some("gzip") => {
            let mut unpacked = Vec::new();
            let limit = into.left().min(into.limits().document);
            decompress::reader(&*bytes, limit)?
                .read_to_end(&mut unpacked)
                .context("unpacking it")?;
            into.spend(unpacked.len() as u64);
            Cow::Owned(unpacked)
        }
        Some(other) => bail!("the compression {other}"),
    };
    if let Some(hash) = resource["verification"]["hash"].as_str()
        && !is_digest(hash, &bytes)
    {
        let path = String::from_utf8_lossy(item.name).into_owned();
        into.note(format!("{path} is not what its hash says"))?;
    }
    item.row.size = Some(bytes.len() as u64);
    into.entry(item, Some(&mut &*bytes))
}

fn is_digest(hash: &str, bytes: &[u8]) -> bool {
    match hash.split_once('-') {
        Some(("sha256", said)) => hex(&Sha256::digest(bytes)) == said,
        Some(("sha512", said)) => hex(&Sha512::digest(bytes)) == said,
        _ => false,
    }
}

/// A unit's text and drop-ins as the files that Ignition makes of them, and its state.
fn read_unit(unit: &Value, into: &mut Collector) -> Result<()> {
    let name = unit["name"].as_str().context("a unit without a name")?;
    let mut text = |path: String, text: &Value| match text.as_str() {
        None | Some("") => Ok(()),
        Some(text) => {
            let mut item = Item::new(path.as_bytes(), RowKind::File);
            item.row.mode = Some(0o644);
            (item.row.uid, item.row.gid) = (Some(0), Some(0));
            item.row.size = Some(text.len() as u64);
            into.entry(item, Some(&mut text.as_bytes()))
        }
    };
    text(format!("{UNITS}/{name}"), &unit["contents"])?;
    let mut dropins = Vec::new();
    for dropin in list(&unit["dropins"]) {
        let file = dropin["name"]
            .as_str()
            .context("a drop-in without a name")?;
        text(format!("{UNITS}/{name}.d/{file}"), &dropin["contents"])?;
        dropins.push(file.to_owned());
    }
    into.unit(UnitRow {
        name: name.to_owned(),
        enabled: unit["enabled"].as_bool(),
        masked: unit["mask"].as_bool().unwrap_or(false),
        dropins,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_in_strings_is_no_value() {
        for (json, count) in [
            ("1", 1),
            ("[1,2]", 3),
            (r#"{"a": [1, {"b": null}]}"#, 7),
            (r#"["a,[{:\\", "\",,\\\"", 3]"#, 4),
        ] {
            assert_eq!(values(json.as_bytes()), count, "{json}");
        }
    }
}
