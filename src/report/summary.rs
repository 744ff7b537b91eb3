//! What a run found, in numbers.

use std::fmt;

use serde::Serialize;

use crate::wording::counted;

/// How many findings there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Errors.
    pub errors: usize,
    /// Warnings.
    pub warnings: usize,
    /// Those that the project accepts, with a reason.
    #[serde(skip_serializing_if = "is_none")]
    pub accepted: usize,
    /// How many nodes were looked at, if the project could be read that far.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nodes: Option<usize>,
}

fn is_none(count: &usize) -> bool {
    *count == 0
}

impl fmt::Display for Summary {
    /// `2 errors, 1 warning in 250 nodes`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (errors, warnings) = (self.errors, self.warnings);
        write!(
            f,
            "{}, {}",
            counted(errors, "error"),
            counted(warnings, "warning")
        )?;
        if self.accepted > 0 {
            write!(f, " ({} accepted)", self.accepted)?;
        }
        if let Some(nodes) = self.nodes {
            write!(f, " in {}", counted(nodes, "node"))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_words_agree() {
        let summary = |errors, warnings, nodes| {
            let summary = Summary {
                errors,
                warnings,
                accepted: 0,
                nodes,
            };
            summary.to_string()
        };
        assert_eq!(summary(2, 1, Some(250)), "2 errors, 1 warning in 250 nodes");
        assert_eq!(summary(1, 0, Some(1)), "1 error, 0 warnings in 1 node");
        assert_eq!(summary(0, 0, None), "0 errors, 0 warnings");
    }
}
