//! The schema of the report of a security benchmark.

use serde_json::{Value as Json, json};

/// What `check --policy NAME -o json` prints.
pub fn schema() -> Json {
    let text = |what: &str| json!({"type": "string", "minLength": 1, "description": what});
    let count = json!({"type": "integer", "minimum": 0});
    let verdict = json!({"$ref": "#/definitions/verdict"});
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "the report of a security benchmark, as check --policy NAME -o json prints it",
        "type": "object",
        "additionalProperties": false,
        "required": ["apiVersion", "kind", "policy", "title", "nodes", "rules", "summary"],
        "properties": {
            "apiVersion": {"const": "nodebake/v1"},
            "kind": {"const": "PolicyReport"},
            "policy": {"enum": ["cis-1.12", "cis-2.0", "stig-v2r4"]},
            "title": text("The benchmark's name."),
            "nodes": {"type": "integer", "minimum": 0, "description": "How many nodes were judged."},
            "otherMinors": {
                "type": "array",
                "items": {"type": "integer"},
                "minItems": 1,
                "description": "Minors of nodes that the benchmark is not written for; absent for none.",
            },
            "rules": {
                "type": "array",
                "items": {"$ref": "#/definitions/rule"},
                "description": "In the benchmark's order.",
            },
            "summary": {
                "type": "object",
                "additionalProperties": false,
                "description": "How many rules have which verdict as their worst.",
                "properties": {
                    "fail": count, "manual": count, "accepted": count, "pass": count, "notApplicable": count,
                },
            },
        },
        "definitions": {
            "verdict": {
                "enum": ["fail", "manual", "accepted", "pass", "notApplicable"],
                "description": "Worst first.",
            },
            "rule": {
                "type": "object",
                "additionalProperties": false,
                "required": ["number", "title", "weight", "verdict", "results"],
                "properties": {
                    "number": text("Its number in the benchmark."),
                    "title": text("What it asks for, in our words."),
                    "weight": {"enum": ["automated", "manual", "high", "medium"]},
                    "verdict": verdict,
                    "results": {
                        "type": "array",
                        "items": {"$ref": "#/definitions/result"},
                        "description": "What was found, worst first.",
                    },
                },
            },
            "result": {
                "type": "object",
                "additionalProperties": false,
                "required": ["verdict", "value", "nodes"],
                "properties": {
                    "verdict": verdict,
                    "value": text("What was looked at, and its value."),
                    "location": text("Where that was written; absent for a default."),
                    "note": text("What else there is to know."),
                    "kubeBench": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["verdict", "because"],
                        "description": "kube-bench's verdict; absent where it is the same.",
                        "properties": {
                            "verdict": {"enum": ["PASS", "FAIL", "WARN"]},
                            "because": text("Why it is another one."),
                        },
                    },
                    "decision": {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["by", "reason"],
                        "description": "What the project says of the rule in findings; absent for nothing.",
                        "properties": {
                            "by": text("The rule or the finding that the project names."),
                            "reason": text("Why, in the project's words."),
                        },
                    },
                    "nodes": {
                        "type": "array",
                        "items": {"type": "string"},
                        "minItems": 1,
                        "uniqueItems": true,
                    },
                },
            },
        },
    })
}
