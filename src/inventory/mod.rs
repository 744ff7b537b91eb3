//! What the user wrote: `cluster.yaml`, profiles and node tables, read with the location of every value. In: a project's
//! folder. Out: an [`Inventory`], or findings. Nothing here knows templates, keys or output formats.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;

use crate::input;
use crate::inventory::cluster::ClusterFile;
use crate::inventory::cursor::Cursor;
use crate::inventory::keys::{Keys, Shaped};
use crate::inventory::layers::Layers;
use crate::inventory::levels::FindingLevel;
use crate::inventory::nodes::{NodeItem, RangeOfNodes};
use crate::inventory::profiles::ProfileFile;
use crate::inventory::shape::Struct;
use crate::inventory::twins::{TwinFinder, Twins};
use crate::model::{Location, Spanned};
use crate::project_folder::{CLUSTER_FILE, ProjectFolder, SETTINGS};
use crate::report::{Finding, Id, Levels, Report};
use crate::yaml::{Located, Value};

mod approver;
mod cell;
mod cert_sans;
mod check;
mod cluster;
pub(crate) mod cursor;
mod elsewhere;
pub(crate) mod files;
mod free;
mod identity;
mod images;
mod interfaces;
pub(crate) mod keys;
pub(crate) mod kinds;
mod layer;
mod layers;
mod levels;
mod named_paths;
mod names;
mod nodes;
mod os;
mod output;
pub(crate) mod profiles;
mod registry_access;
mod removed;
mod rendered;
mod runtime;
mod runtimes;
mod scope;
mod scrapers;
mod serving_networks;
pub mod shape;
mod sources;
mod spec;
mod table;
pub(crate) mod text;
mod time_sources;
mod tpm;
mod twins;
mod unmanaged;
mod users;

pub use approver::Approver;
pub use cluster::{ApiServer, Cluster, ClusterNetwork, TokenSettings, host_of};
pub use cursor::child_path;
pub use files::{
    AssetSpec, Attributes, Body, DirectorySpec, FileSpec, LinkSpec, PermissionChange, UnitSpec,
    UnpackSpec,
};
pub use identity::{
    CertificateUser, ClientIdentity, IdentitySpec, KubeconfigAuth, KubeconfigSpec, ServingIdentity,
};
pub use interfaces::NodeNetwork;
pub use named_paths::NAMES as NAMED_PATHS;
pub use names::nth_address;
pub use nodes::Node;
pub use os::{Cgroups, NetworkManager, Os};
pub use registry_access::{Access, Login};
pub use removed::Removal;
pub use runtime::{DEFAULT as DEFAULT_REGISTRY, Mirror, Proxies, Registry};
pub use runtimes::{Containerd, RUNC};
pub use scope::{os as os_scope, vars as vars_scope};
pub use scrapers::Scraper;
pub use serving_networks::approvable as approvable_networks;
pub use spec::{OverlayUse, Spec, Taint};
pub use text::Text;
pub use time_sources::TimeSources;
pub use tpm::TpmKey;
pub use unmanaged::UnmanagedNode;

/// The table of `cluster.yaml`.
pub static CLUSTER: &Struct = ClusterFile::TABLE;
/// The table of `profiles/NAME.yaml`.
pub static PROFILE: &Struct = ProfileFile::TABLE;
/// The fields that profiles, the cluster and nodes share.
pub static LAYER: &Struct = Spec::TABLE;
/// The tables of an item of `nodes`.
pub static NODES: [&Struct; 2] = [RangeOfNodes::TABLE, Node::TABLE];

/// A cluster and its nodes.
pub struct Inventory {
    /// The project's folder.
    pub project: ProjectFolder,
    /// What is true of the cluster as a whole.
    pub cluster: Cluster,
    /// The nodes that are built, in the order of the inventory.
    pub nodes: Vec<Node>,
    /// Nodes of the cluster that others made.
    pub unmanaged: Vec<UnmanagedNode>,
    /// What the nodes say once their layers are merged; nodes that say the same share one.
    pub specs: Vec<Arc<Spec>>,
    /// For each node the index of its spec; None where its layers cannot be read, for which there is a finding.
    pub spec_of: Vec<Option<usize>>,
    /// Where each node was written, to name it in findings.
    pub locations: NodeLocations,
}

impl Inventory {
    /// Reads a project. All that is wrong goes into the report; None means that nothing usable is left.
    pub fn load(project: &ProjectFolder, report: &mut Report) -> Option<Self> {
        let file: Arc<str> = CLUSTER_FILE.into();
        let text = match project.read_text(CLUSTER_FILE, SETTINGS) {
            Ok(text) => text,
            Err(error) => {
                if let Some(flaw) = input::flaw_of(&error) {
                    report.add(Finding::of_flaw(&Location::file(file), "", "", flaw));
                    return None;
                }
                let folder = project.path().display();
                let rule = match error.kind() {
                    std::io::ErrorKind::NotFound => {
                        format!("there is no {CLUSTER_FILE} in {folder}")
                    }
                    _ => format!("cannot be read in {folder}: {error}"),
                };
                let repair = if is_in_a_project(project.path()) {
                    "the first argument is the project's folder: write `.` before it for the one here"
                } else {
                    "name the project's folder, or make one with `nodebake init DIR`"
                };
                let finding = Finding::new(Id::ProjectMissing, &Location::file(file), "", rule);
                report.add(finding.help(repair));
                return None;
            }
        };
        let tree = crate::yaml::parse(&file, &text, report)?;
        let collected = RefCell::new(Report::default());
        let mut twins = TwinFinder::default();
        let inventory = Self::read(project, (&tree, &mut twins), &collected);
        let mut collected = collected.into_inner();
        match &inventory {
            Some(inventory) => inventory.locations.apply(&mut collected),
            None => NodeLocations::new(&tree, twins.take()).apply(&mut collected),
        }
        report.merge(collected);
        inventory
    }

    /// The nodes of the cluster that the inventory knows: those that are built, then the others.
    pub fn all_nodes(&self) -> impl Iterator<Item = &Node> {
        let others = self.unmanaged.iter().map(|other| &other.node);
        self.nodes.iter().chain(others)
    }

    fn read(
        project: &ProjectFolder,
        (tree, twins): (&Located, &mut TwinFinder),
        report: &RefCell<Report>,
    ) -> Option<Self> {
        let mut file = ClusterFile::read(&Cursor::new(tree, "", report))?;
        let mut levels = Levels::default();
        for (id, rule) in file.findings.iter().map(FindingLevel::rule) {
            levels.add(id, rule);
        }
        report.borrow_mut().add_levels(levels);
        let nodes = read_nodes(project, &mut file, (tree, twins), report);
        let (mut nodes, mut unmanaged) = unmanaged::divide(nodes, report);
        let mut layers = Layers::new(project, &mut file, report);
        let (mut specs, spec_of) = layers.specs(&nodes);
        if let Some(approver) = &file.approver {
            approver.add_image(&mut specs);
        }
        let others = unmanaged.iter_mut().map(|other| &mut other.node);
        layers.networks(&mut nodes, others.collect(), (&specs[..], &spec_of[..]));
        let levels = layers.levels(&nodes);
        report.borrow_mut().add_levels(levels);
        let spec =
            |node: usize| spec_of[node].and_then(|index| specs.get(index).map(|spec| &**spec));
        interfaces::rules::check(&nodes, spec, &file.network, report);
        let inventory = Self {
            project: project.clone(),
            cluster: file.cluster()?,
            nodes,
            unmanaged,
            specs,
            spec_of,
            locations: NodeLocations::new(tree, twins.take()),
        };
        check::check(&inventory, &mut report.borrow_mut());
        serving_networks::check(&inventory, &mut report.borrow_mut());
        Some(inventory)
    }
}

fn read_nodes(
    project: &ProjectFolder,
    cluster: &mut ClusterFile,
    (tree, twins): (&Located, &mut TwinFinder),
    report: &RefCell<Report>,
) -> Vec<Node> {
    let add = &mut |finding| report.borrow_mut().add(finding);
    let mut nodes = nodes::Nodes::default();
    for mut item in cluster.nodes.drain(..) {
        twins.share(&mut item);
        nodes.add(item, report);
    }
    for Spanned {
        value: name,
        location,
    } in &cluster.nodes_from
    {
        let text = match project.read_text(name, SETTINGS) {
            Ok(text) => text,
            Err(error) => {
                add(location.unreadable(name, &error));
                continue;
            }
        };
        let file: Arc<str> = name.as_str().into();
        let rows = table::read(&file, &text, &mut report.borrow_mut());
        let mut layers = table::SharedLayers::default();
        for row in &rows {
            if let Some(mut item) = NodeItem::read(&Cursor::new(row, "", report)) {
                layers.share(item.layers());
                nodes.add(item, report);
            }
        }
    }
    let nodes = nodes.into_list();
    if nodes.is_empty() && !report.borrow().has_errors() {
        let finding = Finding::new(Id::NodesMissing, &tree.location, "", "there are no nodes");
        add(finding.help("add `nodes` or `nodesFrom`"));
    }
    nodes::check_unique(&nodes, add);
    nodes
}

/// Whether the run is in a project's folder and was told another one, which is not there: probably the name of a node.
fn is_in_a_project(told: &Path) -> bool {
    told.symlink_metadata().is_err() && Path::new(CLUSTER_FILE).is_file()
}

/// Which lines of `cluster.yaml` belong to which node: a finding in a merged layer is named after the node that set it.
pub struct NodeLocations {
    starts: Vec<(u32, u32)>,
    end: (u32, u32),
    twins: Twins,
}

impl NodeLocations {
    fn new(tree: &Located, twins: Twins) -> Self {
        let position = |location: &Location| (location.line, location.column);
        let items = match tree.get("nodes").map(|nodes| &nodes.value) {
            Some(Value::List(items)) => items.as_slice(),
            _ => &[],
        };
        let starts: Vec<(u32, u32)> = items.iter().map(|item| position(&item.location)).collect();
        let first = starts.first().copied().unwrap_or((u32::MAX, 0));
        let keys = tree.as_map().into_iter().flat_map(|map| map.values());
        let after = keys
            .map(|field| position(&field.key))
            .filter(|key| *key > first);
        Self {
            end: after.min().unwrap_or((u32::MAX, u32::MAX)),
            starts,
            twins,
        }
    }

    /// Says of each finding in a layer of a node whose it is: one in a layer that several nodes have is one of each.
    pub fn apply(&self, report: &mut Report) {
        report.replace_each(|finding| {
            let named = self.prefix(&finding.location);
            let mut all = self.twins.findings(finding);
            for one in &mut all {
                // A path that was named already is named after the item that the finding is in now.
                if let (Some(old), Some(new)) = (&named, self.prefix(&one.location))
                    && let Some(rest) = one.path.strip_prefix(old.as_str())
                {
                    one.path = format!("{new}{rest}").into();
                }
            }
            all
        });
        report.name_locations(|location| self.prefix(location));
    }

    /// Where a node has what is at a location of the layer that it shares with others.
    pub fn own(&self, node: &str, location: &Location) -> Location {
        self.twins.own(node, location)
    }

    /// `nodes[3]` for a location inside the fourth node.
    pub fn prefix(&self, location: &Location) -> Option<String> {
        let at = (location.line, location.column);
        let index = self
            .starts
            .partition_point(|start| *start <= at)
            .checked_sub(1)?;
        (&*location.file == CLUSTER_FILE && at < self.end).then(|| format!("nodes[{index}]"))
    }
}
