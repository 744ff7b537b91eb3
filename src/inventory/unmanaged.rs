//! Nodes with `managed: false`: they are in the cluster, and others made them. They get no payload, no token and no Secret.
//! Requests of theirs can be reviewed, their addresses are known, and an admin can set their labels and taints.

use std::cell::RefCell;

use crate::inventory::cursor::Cursor;
use crate::inventory::keys::Shaped;
use crate::inventory::kinds::{MapOf, Pair};
use crate::inventory::nodes::Node;
use crate::inventory::spec::{AnnotationKey, AnnotationValue, LabelKey, LabelValue, Taint};
use crate::inventory::text::Text;
use crate::model::{FieldLocation, Spanned};
use crate::report::{Id, Report};

/// The settings of a layer that mean something for a node that others made.
const SETTINGS: [&str; 3] = ["labels", "annotations", "taints"];

type Labels = MapOf<Pair<Spanned<LabelKey>, LabelValue>>;
type Annotations = MapOf<Pair<Spanned<AnnotationKey>, AnnotationValue>>;

/// A node that the cluster has and this project does not build.
#[derive(Clone, Debug)]
pub struct UnmanagedNode {
    /// Its name and addresses.
    pub node: Node,
    /// Its labels, which an admin sets.
    pub labels: Vec<(String, String)>,
    /// Its annotations, which an admin sets.
    pub annotations: Vec<(String, String)>,
    /// Its taints, which an admin sets.
    pub taints: Vec<Taint>,
}

/// Divides the nodes into those that are built, and the others.
pub fn divide(nodes: Vec<Node>, report: &RefCell<Report>) -> (Vec<Node>, Vec<UnmanagedNode>) {
    let (built, others): (Vec<Node>, Vec<Node>) = nodes
        .into_iter()
        .partition(|node| node.managed != Some(false));
    let others = others.into_iter().map(|node| read(node, report));
    (built, others.collect())
}

fn read(node: Node, report: &RefCell<Report>) -> UnmanagedNode {
    let mut read = UnmanagedNode {
        labels: Vec::new(),
        annotations: Vec::new(),
        taints: Vec::new(),
        node,
    };
    for profile in &read.node.profiles {
        refuse("profiles", &profile.location, report);
    }
    for layer in &read.node.layers {
        let settings = layer.as_map().into_iter().flat_map(|map| map.iter());
        for (key, field) in settings.filter(|(key, _)| !SETTINGS.contains(&&***key)) {
            let location = FieldLocation::new(field.value.location.clone(), &**key);
            refuse(key, &location, report);
        }
        let at = |key: &str| layer.get(key).filter(|value| value.as_map().is_some());
        if let Some(labels) = at("labels") {
            let labels = Labels::read(&Cursor::new(labels, "labels", report));
            add(&mut read.labels, labels, report);
        }
        if let Some(annotations) = at("annotations") {
            let at = Cursor::new(annotations, "annotations", report);
            add(&mut read.annotations, Annotations::read(&at), report);
        }
        if let Some(taints) = at("taints") {
            let taints = MapOf::<Taint>::read(&Cursor::new(taints, "taints", report));
            for taint in taints.unwrap_or_default() {
                let same =
                    |known: &Taint| (&known.key, &known.effect) == (&taint.key, &taint.effect);
                read.taints.retain(|known| !same(known));
                read.taints.push(taint);
            }
        }
    }
    read
}

/// Adds labels or annotations; the innermost layer wins. Nothing is rendered for such a node, so a value must not be a
/// template.
fn add(
    known: &mut Vec<(String, String)>,
    pairs: Option<Vec<(Spanned<String>, Text)>>,
    report: &RefCell<Report>,
) {
    for (key, value) in pairs.unwrap_or_default() {
        if value.is_template() {
            let rule = "must not be a template for a node that is not managed";
            report
                .borrow_mut()
                .add(value.location.finding(Id::UnmanagedNodeSetting, rule));
            continue;
        }
        known.retain(|(other, _)| *other != key.value);
        known.push((key.value, value.text.to_string()));
    }
}

fn refuse(key: &str, location: &FieldLocation, report: &RefCell<Report>) {
    let rule = format!("{key} has no effect on a node that is not managed");
    let finding = location.finding(Id::UnmanagedNodeSetting, rule);
    let repair = "remove it: such a node has a name, addresses, interfaces, certSANs, macs, labels, annotations and taints";
    report.borrow_mut().add(finding.help(repair));
}
