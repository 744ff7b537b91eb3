//! What the user may say of a cluster that is there.

use std::path::PathBuf;

use clap::Args;

use crate::import::ImportRequest;

/// `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// What kubectl printed, as YAML or JSON, in any mix; `-` reads stdin
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The project's folder
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    pub project: PathBuf,
    /// What `kubectl get --raw /api/v1/nodes/NODE/proxy/configz` printed: the
    /// settings of a kubelet; may be given more than once
    #[arg(long, value_name = "NODE=FILE", value_parser = node_and_file)]
    pub configz: Vec<(String, PathBuf)>,
    /// Call the cluster this
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// The API server, as nodes reach it: https://host:port
    #[arg(long, value_name = "URL")]
    pub server: Option<String>,
    /// The version of new nodes
    #[arg(long, value_name = "VERSION")]
    pub kubernetes: Option<String>,
    /// A built-in profile of new nodes, as ubuntu; may be given more than once
    /// [default: worker, and what fits the nodes' operating system]
    #[arg(long = "profile", value_name = "NAME")]
    pub profiles: Vec<String>,
    /// Build these nodes from now on, by name or glob; may be given more than
    /// once. All others are in the cluster and not built (`managed: false`)
    #[arg(long = "build", value_name = "NODE")]
    pub built: Vec<String>,
    /// Change the project that is there. Without it the changes are printed as
    /// a diff, and nothing is written. A new project is made in any case
    #[arg(long)]
    pub write: bool,
}

impl Import {
    /// What is imported.
    pub fn request(&self) -> ImportRequest {
        ImportRequest {
            dir: self.project.clone(),
            files: self.files.clone(),
            configz: self.configz.clone(),
            name: self.name.clone(),
            server: self.server.clone(),
            kubernetes: self.kubernetes.clone(),
            profiles: self.profiles.clone(),
            built: self.built.clone(),
            write: self.write,
        }
    }
}

fn node_and_file(text: &str) -> Result<(String, PathBuf), String> {
    match text.split_once('=') {
        Some((node, file)) if !node.is_empty() && !file.is_empty() => {
            Ok((node.to_owned(), file.into()))
        }
        _ => Err("must be NODE=FILE".to_owned()),
    }
}
