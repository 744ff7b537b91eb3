//! `nodebake show`, for people.

use std::io::Write;

use crate::error::Result;
use crate::project::show::Summary;
use crate::terminal::shown;

/// Writes the plan and the tree of a node.
pub fn write(summary: &Summary<'_>, out: &mut dyn Write) -> Result<()> {
    writeln!(out, "node          {}", summary.node)?;
    writeln!(out, "kubernetes    {}", summary.kubernetes)?;
    writeln!(out, "hostname      {}", summary.hostname)?;
    writeln!(out, "addresses     {}", summary.addresses.join(" "))?;
    if let Some(group) = summary.group {
        writeln!(out, "group         {group}")?;
    }
    if let Some(token) = &summary.token {
        writeln!(out, "token         {token}")?;
    }
    for certificate in &summary.certificates {
        let until = certificate.not_after.as_deref().unwrap_or_default();
        writeln!(out, "certificate   {}, until {until}", certificate.role)?;
    }
    writeln!(
        out,
        "usable until  {}",
        summary.usable_until.as_deref().unwrap_or_default()
    )?;
    if !summary.separate_secrets.is_empty() {
        let names: Vec<&str> = summary
            .separate_secrets
            .iter()
            .map(|format| format.name())
            .collect();
        writeln!(
            out,
            "secrets       in a secret payload: {}",
            names.join(" ")
        )?;
    }
    if let Some(key) = &summary.sealed_to {
        writeln!(out, "secrets       sealed to the TPM with the key {key}")?;
    }
    for (title, labels) in [
        ("label", summary.self_labels),
        ("admin label", summary.admin_labels),
        ("annotation", summary.annotations),
    ] {
        for (key, value) in labels {
            writeln!(out, "{title:<13} {}={}", shown(key), shown(value))?;
        }
    }
    for unit in &summary.units {
        let state = match (unit.masked, unit.enabled) {
            (true, _) => "masked",
            (_, Some(true)) => "enabled",
            (_, Some(false)) => "disabled",
            (_, None) => "as the image has it",
        };
        writeln!(out, "unit          {} {state}", shown(unit.name))?;
    }
    writeln!(out)?;
    for line in &summary.tree {
        let target = line.target.as_deref().map(shown);
        let target = target.map(|target| format!(" -> {target}"));
        writeln!(
            out,
            "{} {} {:>8} {}{}  ({})",
            line.mode,
            line.owner,
            line.size,
            shown(&line.path),
            target.unwrap_or_default(),
            shown(&line.origin)
        )?;
    }
    Ok(())
}
