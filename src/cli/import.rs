//! What the user may say of a cluster that is there.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::import::{From, ImportRequest};

/// What is imported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum ImportFrom {
    /// What kubectl printed
    #[default]
    Kubectl,
    /// Inventories of Ansible
    Ansible,
    /// Tables with separated values
    Csv,
    /// Tables in JSON
    Json,
}

/// `import`.
#[derive(Debug, Args)]
pub struct Import {
    /// What kubectl printed, as YAML or JSON, in any mix: files, folders, or `-` for
    /// stdin; or what --from says
    #[arg(required = true, value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// The project's folder
    #[arg(short, long, default_value = ".", value_name = "DIR")]
    pub project: PathBuf,
    /// What the files are: outputs of kubectl; ansible, inventories as kubespray
    /// has them (files or folders); csv or json, tables of nodes to build
    #[arg(long, value_enum, default_value_t, value_name = "KIND")]
    pub from: ImportFrom,
    /// What columns of a table are for: name, address, mac, kubernetes, status,
    /// certSAN, label.KEY, taint.KEY:EFFECT. Columns of NetBox are known
    #[arg(long, value_name = "KEY=COLUMN,…", value_delimiter = ',', value_parser = pair)]
    pub map: Vec<(String, String)>,
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
    /// [default: kubeadm or worker, and the nodes' operating system]
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
            from: match self.from {
                ImportFrom::Kubectl => From::Kubectl,
                ImportFrom::Ansible => From::Ansible,
                ImportFrom::Csv => From::Csv,
                ImportFrom::Json => From::Json,
            },
            files: self.files.clone(),
            mapping: self.map.clone(),
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
    let (node, file) = halves(text).ok_or("must be NODE=FILE")?;
    Ok((node.to_owned(), file.into()))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (key, column) = halves(text).ok_or("must be KEY=COLUMN")?;
    Ok((key.to_owned(), column.to_owned()))
}

/// Both sides of the first equals sign, neither of them empty.
fn halves(text: &str) -> Option<(&str, &str)> {
    text.split_once('=')
        .filter(|(left, right)| !left.is_empty() && !right.is_empty())
}
