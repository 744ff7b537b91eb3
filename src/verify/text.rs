//! The verdicts on files that came without their bundle, for people.

use std::fmt::{self, Display, Formatter};

use crate::terminal::shown;
use crate::verify::embedded::EmbeddedVerdict;
use crate::verify::verdict::print;
use crate::verify::{Problem, Single};
use crate::wording::counted;

fn problems(all: &[Problem], shown_as: &str, f: &mut Formatter<'_>) -> fmt::Result {
    print(all, f)?;
    if !all.is_empty() {
        writeln!(f, "{shown_as}: NOT verified")?;
    }
    Ok(())
}

impl Display for Single {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        problems(&self.problems, "files", f)?;
        for file in &self.files {
            let whose = match (&self.cluster, self.generation) {
                (Some(cluster), Some(generation)) => {
                    format!(" of cluster {}, generation {generation}", shown(cluster))
                }
                _ => String::new(),
            };
            let is = file.is.iter().map(|path| shown(path)).collect::<Vec<_>>();
            let file = shown(&file.file);
            let word = if self.problems.is_empty() {
                "verified"
            } else {
                "right by itself"
            };
            writeln!(f, "{file}: {word}: {}{whose}", is.join(", "))?;
        }
        Ok(())
    }
}

impl Display for EmbeddedVerdict {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let files = shown(&self.files.join(" "));
        problems(&self.problems, &files, f)?;
        if !self.problems.is_empty() {
            return Ok(());
        }
        let node = shown(self.node.as_deref().unwrap_or_default());
        let paths = counted(self.paths, "path");
        writeln!(
            f,
            "{files}: verified: {paths}, as they were signed for the node {node}, and nothing else; of which generation, no tree says"
        )?;
        for path in &self.elsewhere {
            writeln!(
                f,
                "{}: is not in it: secrets are in the secret payload",
                shown(path)
            )?;
        }
        Ok(())
    }
}
