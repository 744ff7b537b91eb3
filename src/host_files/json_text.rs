//! JSON of a node's files: syntax by the JSON reader, places by the YAML reader, of whose documents JSON is a part.

use serde_json::Value;

use crate::host_files::fault::Fault;
use crate::host_files::yaml_text;
use crate::report::Id;
use crate::tree::Position;
use crate::yaml::Located;

/// Reads a text; a fault of its syntax has this id.
pub fn read(text: &str, id: Id) -> Result<Located, Vec<Fault>> {
    if let Err(error) = serde_json::from_str::<Value>(text) {
        let at = Position {
            line: error.line().max(1),
            column: error.column().max(1),
        };
        // Without the error's own words about the place.
        let message = error.to_string();
        let message = message.split(" at line ").next().unwrap_or_default();
        return Err(vec![Fault::at(
            id,
            at,
            format!("is not valid JSON: {message}"),
        )]);
    }
    yaml_text::read(text, id)
}
