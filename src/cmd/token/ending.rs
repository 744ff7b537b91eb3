//! `token rotate` and `token revoke`, with the commands that change the cluster too.

use std::fmt::Write;

use crate::cli::{TokenRevoke, TokenRotate};
use crate::cmd::token::done;
use crate::cmd::token::text::no_nodes;
use crate::cmd::usage;
use crate::error::{Exit, Result};
use crate::project::tokens::{Ending, Revoked, Rotation, revoke, rotate};
use crate::report::Report;
use crate::secrets::{Ended, Rotated};
use crate::timing::rfc3339;

/// Runs `token rotate`.
pub fn rotated(args: &TokenRotate, report: &mut Report) -> Result<Exit> {
    if args.nodes.is_empty() && args.expiring_within.is_none() {
        let advice = "name nodes (\'*\' is all), or say --expiring-within";
        return usage(&no_nodes(&args.dir, advice));
    }
    let rotation = Rotation {
        nodes: args.nodes.clone(),
        expiring_within: args.expiring_within,
        overlap: args.overlap,
        ttl: args.ttl,
    };
    let request = args.file.request(&args.dir)?;
    done(
        &args.file,
        rotate(&request, &rotation, report)?,
        rotated_text,
    )
}

/// Runs `token revoke`.
pub fn revoked(args: &TokenRevoke, report: &mut Report) -> Result<Exit> {
    if args.nodes.is_empty() {
        return usage(&no_nodes(&args.dir, "name the nodes"));
    }
    let request = args.file.request(&args.dir)?;
    done(
        &args.file,
        revoke(&request, &args.nodes, report)?,
        revoked_text,
    )
}

fn rotated_text(ending: &Ending<Rotated>) -> String {
    let mut text = String::new();
    let rotated = &ending.result;
    // Writing to a String cannot fail.
    for created in &rotated.created {
        let until = rfc3339(created.expires).unwrap_or_default();
        let (node, id) = (&created.node, &created.id);
        let _ = writeln!(text, "# {node}: created {id}, good until {until}");
    }
    for ended in &rotated.ended {
        let until = rfc3339(ended.ends).unwrap_or_default();
        let (node, id) = (&ended.node, &ended.id);
        let _ = if ended.delete {
            writeln!(text, "# {node}: {id} is given up")
        } else {
            writeln!(text, "# {node}: {id} goes on until {until}")
        };
    }
    if rotated.created.is_empty() {
        text.push_str("# no token ends within that time; nothing was created\n");
    }
    with_commands(text, &ending.commands)
}

fn revoked_text(ending: &Ending<Revoked>) -> String {
    let mut text = String::new();
    for Ended { node, id, .. } in &ending.result.revoked {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "# {node}: revoked {id}");
    }
    if text.is_empty() {
        text.push_str("# every token of these nodes was revoked before\n");
    }
    with_commands(text, &ending.commands)
}

fn with_commands(mut text: String, commands: &[String]) -> String {
    for line in commands {
        text.push_str(line);
        text.push('\n');
    }
    text
}
