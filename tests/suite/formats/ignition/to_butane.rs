//! Our configuration in Butane's words, as its users would write it. The benchmarks include this file too.

use std::fs;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

/// The bytes behind a data URL, decompressed.
pub fn decoded(contents: &Value) -> Vec<u8> {
    let source = contents["source"].as_str().unwrap();
    let (head, data) = source.split_once(',').unwrap();
    let bytes = match head {
        "data:;base64" => STANDARD.decode(data).unwrap(),
        "data:" => percent_encoding::percent_decode_str(data).collect(),
        other => panic!("{other}"),
    };
    if contents["compression"] != "gzip" {
        return bytes;
    }
    let mut unpacked = Vec::new();
    let mut reader = flate2::read::GzDecoder::new(&bytes[..]);
    reader.read_to_end(&mut unpacked).unwrap();
    unpacked
}

/// Our configuration in Butane's words: texts inline, other contents in files of `folder`.
pub fn as_butane(config: &Value, folder: &Path) -> Value {
    let version = config["ignition"]["version"].as_str().unwrap();
    let versions = [("3.1.0", "1.1.0"), ("3.2.0", "1.2.0"), ("3.3.0", "1.4.0")];
    let (_, of_butane) = versions.iter().find(|(spec, _)| *spec == version).unwrap();
    let mut butane = json!({"variant": "fcos", "version": of_butane});
    for part in ["storage", "systemd", "passwd", "kernelArguments"] {
        if !config[part].is_null() {
            butane[snake_case(part)] = in_snake_case(&config[part]);
        }
    }
    if let Some(files) = butane["storage"]["files"].as_array_mut() {
        for (index, file) in files.iter_mut().enumerate() {
            file["contents"] = of_butane_contents(&file["contents"], folder, index);
        }
    }
    butane
}

fn of_butane_contents(contents: &Value, folder: &Path, index: usize) -> Value {
    let bytes = decoded(contents);
    let plain = |c: char| c == '\n' || (c.is_ascii() && !c.is_ascii_control());
    let text = String::from_utf8(bytes.clone()).ok();
    let text = text.filter(|text| text.chars().all(plain));
    let mut said = match text {
        Some(text) => json!({"inline": text}),
        None => {
            fs::write(folder.join(format!("file-{index}")), bytes).unwrap();
            json!({"local": format!("file-{index}")})
        }
    };
    if !contents["verification"].is_null() {
        said["verification"] = contents["verification"].clone();
    }
    said
}

fn snake_case(key: &str) -> String {
    let mut out = String::new();
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

fn in_snake_case(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let fields = map.iter();
            let fields = fields.map(|(key, value)| (snake_case(key), in_snake_case(value)));
            Value::Object(fields.collect())
        }
        Value::Array(items) => items.iter().map(in_snake_case).collect(),
        other => other.clone(),
    }
}
