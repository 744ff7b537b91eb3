//! `nodebake man` and `nodebake completions`: what packagers and shells take.

use std::fs;
use std::io::Write;
use std::path::Path;

use anyhow::{Context, bail};
use clap::CommandFactory;

use crate::cli::{Cli, Completions, ManPage};
use crate::error::{Exit, Result};
use crate::man::{Page, pages};
use crate::terminal;

/// Runs `man`.
pub fn man(args: &ManPage) -> Result<Exit> {
    let pages = pages()?;
    if let Some(out) = &args.out {
        pages.iter().try_for_each(|page| write_page(out, page))?;
        return Ok(Exit::Good);
    }
    let mut stdout = terminal::stdout();
    let Some(name) = &args.page else {
        for page in &pages {
            writeln!(stdout, "{}({})  {}", page.name, page.section, page.about)?;
        }
        return Ok(Exit::Good);
    };
    let full = format!("nodebake-{name}");
    let wanted = |page: &&Page| page.name == *name || page.name == full;
    let Some(page) = pages.iter().find(wanted) else {
        bail!("there is no page {name}; `nodebake man` lists them");
    };
    terminal::stdout_for_files().write_all(page.roff.as_bytes())?;
    Ok(Exit::Good)
}

fn write_page(out: &Path, page: &Page) -> Result<()> {
    let folder = out.join(format!("man{}", page.section));
    fs::create_dir_all(&folder).with_context(|| format!("creating {}", folder.display()))?;
    let file = folder.join(format!("{}.{}", page.name, page.section));
    fs::write(&file, &page.roff).with_context(|| format!("writing {}", file.display()))
}

/// Runs `completions`.
pub fn completions(args: &Completions) -> Result<Exit> {
    let mut text = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "nodebake", &mut text);
    terminal::stdout_for_files().write_all(&text)?;
    Ok(Exit::Good)
}
