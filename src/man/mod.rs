//! Manual pages. In: the commands as clap knows them, and guides in Markdown, which are read in the sources as they are.
//! Out: roff, as man(1) shows it.

mod findings;
mod keys;
mod render;

use clap::{Command, CommandFactory};
use clap_mangen::Man;

use crate::cli::Cli;
use crate::error::Result;

/// The guides: name, section of the manual, text. A title, what it is about in one line, then sections.
const GUIDES: [(&str, u8, &str); 10] = [
    ("nodebake-boot", 7, include_str!("boot.md")),
    ("nodebake-clusters", 7, include_str!("clusters.md")),
    ("nodebake-approver", 7, include_str!("approver.md")),
    ("nodebake-ignition", 7, include_str!("ignition.md")),
    ("nodebake-inventory", 5, include_str!("inventory.md")),
    ("nodebake-payloads", 7, include_str!("payloads.md")),
    ("nodebake-requests", 7, include_str!("requests.md")),
    ("nodebake-secrets", 7, include_str!("secrets.md")),
    ("nodebake-kubeadm", 7, include_str!("kubeadm.md")),
    ("nodebake-upgrade", 7, include_str!("upgrade.md")),
];

/// One manual page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Like `nodebake-build`.
    pub name: String,
    /// 1 for commands, 5 for files, 7 for all else.
    pub section: u8,
    /// What it is about, in one line.
    pub about: String,
    /// Its text, roff.
    pub roff: String,
}

/// All pages: the commands', then the guides.
pub fn pages() -> Result<Vec<Page>> {
    let mut root = Cli::command();
    root.build();
    let mut pages = Vec::new();
    commands(&root, &mut pages)?;
    for (name, section, text) in GUIDES {
        let mut text = text.to_owned();
        if name == "nodebake-inventory" {
            text.push_str(&keys::sections());
        }
        pages.push(render::guide(name, section, &text)?);
    }
    let findings = render::guide("nodebake-findings", 7, &findings::guide())?;
    pages.insert(pages.len() - GUIDES.len() + 1, findings);
    Ok(pages)
}

fn commands(command: &Command, pages: &mut Vec<Page>) -> Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    let mut roff = Vec::new();
    let page = Man::new(command.clone().version(env!("CARGO_PKG_VERSION")));
    page.source("nodebake")
        .manual("nodebake")
        .render(&mut roff)?;
    pages.push(Page {
        name: name.to_owned(),
        section: 1,
        about: command
            .get_about()
            .map(ToString::to_string)
            .unwrap_or_default(),
        roff: String::from_utf8(roff)?,
    });
    for sub in command.get_subcommands() {
        if !sub.is_hide_set() && sub.get_name() != "help" {
            commands(sub, pages)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::kubernetes::state::STATE_RULES;

    #[test]
    fn the_manual_has_the_table_of_what_a_kubelet_keeps() {
        let word = |is: bool| if is { "yes" } else { "no" };
        for rule in &STATE_RULES {
            let path = match rule.path {
                path if path.starts_with("ROOT") => format!("`{path}`"),
                path => path.to_owned(),
            };
            let row = format!(
                "| {path} | {} | {} | {} | {} |\n",
                rule.settings.join(", "),
                word(rule.remove),
                word(rule.drain),
                rule.otherwise
            );
            assert!(include_str!("upgrade.md").contains(&row), "{row}");
        }
    }
}
