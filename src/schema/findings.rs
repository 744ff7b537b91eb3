//! The schema of findings as JSON.

use serde_json::{Value as Json, json};

use crate::report::Id;

/// What [`crate::report::print::json`] prints.
pub fn schema() -> Json {
    let ids: Vec<&str> = Id::all().map(Id::as_str).collect();
    let number = |what: &str| json!({"type": "integer", "minimum": 1, "description": what});
    let text = |what: &str| json!({"type": "string", "description": what});
    let count = |what: &str| json!({"type": "integer", "minimum": 0, "description": what});
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "findings of nodebake, as check --format json prints them",
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "findings", "summary"],
        "properties": {
            "apiVersion": {"const": "nodebake/v1"},
            "kind": {"const": "Findings"},
            "findings": {
                "type": "array",
                "description": "By file and line.",
                "items": {"$ref": "#/definitions/finding"},
            },
            "accepted": {
                "type": "array",
                "description": "Those that the project accepts, with its reason; absent for none.",
                "minItems": 1,
                "items": {"$ref": "#/definitions/finding"},
            },
            "summary": {"$ref": "#/definitions/summary"},
        },
        "definitions": {
            "finding": {
                "type": "object",
                "additionalProperties": false,
                "required": ["id", "severity", "file", "message"],
                "dependencies": {
                    "line": ["column"],
                    "column": ["line"],
                    "endLine": ["endColumn", "line"],
                    "endColumn": ["endLine"],
                },
                "properties": {
                    "id": {"enum": ids, "description": "The rule; `nodebake explain ID` says more."},
                    "severity": {"enum": ["error", "warning"]},
                    "file": text("Relative to the project, or built-in:…"),
                    "line": number("Absent for a file as a whole."),
                    "column": number("In characters."),
                    "endLine": number("The line on which the value ends, where that is known."),
                    "endColumn": number("The first column after the value."),
                    "path": text("The field, like nodes[2].labels."),
                    "message": text("The rule and how it is broken."),
                    "help": text("What to do about it."),
                    "nodes": {
                        "type": "array",
                        "items": {"type": "string"},
                        "minItems": 1,
                        "uniqueItems": true,
                        "description": "The nodes that it is about; absent where it is not about nodes.",
                    },
                    "reason": text("Why the project accepts it or gives it another level."),
                },
            },
            "summary": {
                "type": "object",
                "additionalProperties": false,
                "required": ["errors", "warnings"],
                "properties": {
                    "errors": count("How many errors there are."),
                    "warnings": count("How many warnings there are."),
                    "accepted": count("How many findings the project accepts; absent for none."),
                    "nodes": count("How many nodes were looked at, if the project could be read that far."),
                },
            },
        },
    })
}
