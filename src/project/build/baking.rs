//! Baking all nodes into a bundle: many at once, each written and dropped.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};

use rayon::prelude::*;

use crate::bundle::{BundleBuilder, BundleHeader, Finished, NodeSays, OldBundle};
use crate::error::Result;
use crate::manifest::{BundleKind, InitramfsRecord};
use crate::model::output::{Format, Settings};
use crate::payload::{Forms, Job, credential, initramfs, libraries, sysext};
use crate::plan::{NodePlan, refused_format};
use crate::project::build::boot_folder::{self, is_served, would_be_served};
use crate::project::build::choice::{formats, old};
use crate::project::build::manifests::{self, Marks};
use crate::project::build::signatures::{signatures, target};
use crate::project::build::upgrade::Upgrade;
use crate::project::{BuildRequest, Progress, Project, Signing, signing};
use crate::render::RenderedNode;
use crate::report::{Finding, Id, Levels, Severity};
use crate::signing::{PublicKey, Signer};
use crate::timing::rfc3339;
use crate::tree::NodeTree;
use crate::tree::listing::TreeListing;
use crate::verify::embedded::{checks_tree, with_signed_list};

/// A build under way.
struct Baking<'a> {
    project: &'a Project,
    builder: &'a BundleBuilder,
    /// The key that signs the nodes' trees.
    tree_key: Option<PublicKey>,
    forms: Forms,
    /// The formats that `--format` sets for all nodes.
    formats: Option<Vec<Format>>,
    kind: BundleKind,
    /// The nodes to bake, and the bundle that the others are reused from.
    reused: Option<(HashSet<&'a str>, &'a OldBundle)>,
    upgrade: Upgrade,
    progress: &'a dyn Progress,
    /// What the project says of findings.
    levels: &'a Levels,
    findings: Mutex<Vec<Finding>>,
}

/// The result of baking. After an error there is no bundle, and nothing is left behind.
pub struct Outcome {
    /// The bundle.
    pub finished: Option<Finished>,
    /// Errors, or warnings beside a bundle.
    pub findings: Vec<Finding>,
}

/// Bakes all nodes into a bundle.
pub fn bake(
    request: &BuildRequest,
    project: &Project,
    signer: Option<Arc<Signer>>,
    progress: &dyn Progress,
    levels: &Levels,
) -> Result<Outcome> {
    let kind = match request.signing {
        Signing::Trees(_) => BundleKind::TreeBundle,
        _ => BundleKind::Bundle,
    };
    let formats = formats(request);
    let refused = refused(project, formats.as_deref());
    if !refused.is_empty() {
        return Ok(Outcome::refused(refused));
    }
    let target = target(request);
    let public = signer.as_ref().map(|signer| signer.public().clone());
    let signatures = match signatures(request, signer)? {
        Ok(signatures) => signatures,
        Err(finding) => return Ok(Outcome::refused(vec![finding])),
    };
    // Where this build signs nothing, it is the key that will.
    let approver_key = match (&project.plan.cluster.approver, signatures.public()) {
        (None, _) => None,
        (Some(_), Some(key)) => Some(key.clone()),
        (Some(approver), None) => match signing::tree_key(&request.reading.dir)? {
            Some(key) => Some(key),
            None => {
                let rule =
                    "the approver verifies what it decides by, and there is no key that signs";
                let finding = approver
                    .image
                    .location
                    .finding(Id::ApproverKeyMissing, rule);
                let repair = "run `nodebake key generate`, or put the public key that signs elsewhere into keys/sign.pub";
                return Ok(Outcome::refused(vec![finding.help(repair)]));
            }
        },
    };
    let header = BundleHeader {
        kind,
        cluster: project.plan.cluster.name.value.clone(),
        generation: project.plan.cluster.generation,
        libraries: libraries(),
    };
    let tree_key = signatures.public().cloned();
    let builder = BundleBuilder::begin(target, header, signatures)?;
    let upgrade = Upgrade::open(request, &project.plan, tree_key.as_ref())?;
    let old = old(request, target, public.as_ref(), &project.plan.nodes)?;
    progress.begin(project.plan.nodes.len());
    let baking = Baking {
        project,
        builder: &builder,
        tree_key,
        forms: Forms::default(),
        formats,
        kind,
        reused: old.as_ref().map(|(chosen, old)| (chosen.clone(), &**old)),
        upgrade,
        progress,
        levels,
        findings: Mutex::default(),
    };
    let (marks, findings) = baking.all()?;
    let strict = request.reading.strict;
    let is_error = |finding: &Finding| {
        let severity = levels.severity(finding);
        severity.is_some_and(|severity| strict || severity == Severity::Error)
    };
    if findings.iter().any(is_error) {
        return Ok(Outcome::refused(findings));
    }
    if kind == BundleKind::Bundle {
        manifests::write(&builder, &project.plan, &marks)?;
        manifests::write_review(
            &builder,
            &project.plan,
            &project.review,
            approver_key.as_ref(),
        )?;
        boot_folder::write(&builder, &project.plan)?;
    }
    Ok(Outcome {
        finished: Some(builder.finish()?),
        findings,
    })
}

/// Findings about formats of `--format` that a node's image cannot use.
fn refused(project: &Project, formats: Option<&[Format]>) -> Vec<Finding> {
    let formats = formats.unwrap_or_default();
    let classes = project.plan.classes.iter();
    classes
        .flat_map(|class| {
            let of_class = |format: &Format| refused_format(&class.spec, *format);
            formats.iter().filter_map(of_class)
        })
        .collect()
}

impl Outcome {
    fn refused(findings: Vec<Finding>) -> Self {
        Self {
            finished: None,
            findings,
        }
    }
}

impl Baking<'_> {
    /// Bakes all nodes, in any order; what they leave behind is in the plan's order.
    fn all(self) -> Result<(Vec<Marks>, Vec<Finding>)> {
        let nodes = self.project.plan.nodes.par_iter();
        let marks = nodes.map(|node| self.node(node)).collect::<Result<_>>()?;
        self.progress.end();
        let findings = self.findings.into_inner();
        let mut findings = findings.unwrap_or_else(PoisonError::into_inner);
        let formats = self.formats.as_deref();
        findings.extend(self.upgrade.warning(&self.project.plan, formats));
        Ok((marks, findings))
    }

    /// Bakes one node into the bundle, or reuses it from the last one.
    fn node(&self, node: &NodePlan) -> Result<Marks> {
        let baked = match self.project.render(node, self.levels) {
            Ok(baked) => baked,
            Err(findings) => return Ok(self.fail(node, findings)),
        };
        if !baked.findings.is_empty() {
            self.fail(node, baked.findings.clone());
        }
        let marks = Marks {
            labels: baked.admin_labels.clone(),
            annotations: baked.annotations.clone(),
        };
        if let Some((chosen, old)) = &self.reused
            && !chosen.contains(&*node.name)
            && self.reuse(old, node)?
        {
            self.progress.advance();
            return Ok(marks);
        }
        self.write(node, &baked)?;
        Ok(marks)
    }

    /// Writes a node's tree and payloads.
    fn write(&self, node: &NodePlan, baked: &RenderedNode) -> Result<()> {
        let settings = self.settings(node);
        let mut facts = self.project.facts(node, baked);
        facts.removals = self.upgrade.removals(&node.name, &baked.tree)?;
        let job = Job {
            tree: &baked.tree,
            facts: &facts,
            settings: &settings,
        };
        if self.object(node, &job)? {
            return Ok(());
        }
        let mut folder = self.builder.node(
            &node.name,
            NodeSays {
                kubernetes: Some(node.class.spec.kubernetes.value.to_string()),
                token_id: node.token.as_ref().map(|token| token.id.clone()),
                usable_until: rfc3339(node.usable_until),
                initramfs: self.initramfs(&job),
                upgrade_from: self.upgrade.digests(&node.name),
            },
        )?;
        let listing = TreeListing::of(&node.name, &baked.tree);
        let signature = folder.tree(&listing)?;
        if self.kind == BundleKind::Bundle {
            let Some(tree) = self.checked_tree(node, baked, &listing, signature)? else {
                return Ok(());
            };
            let job = Job { tree: &tree, ..job };
            // With the list it may be too much for what reads it.
            if matches!(tree, Cow::Owned(_)) && self.object(node, &job)? {
                return Ok(());
            }
            for format in &settings.formats {
                format.write(&job, &self.forms, &mut folder)?;
            }
            credential::package(&job, &mut folder)?;
            sysext::package(&job, &mut folder)?;
        }
        folder.finish()?;
        self.progress.advance();
        Ok(())
    }

    /// Whether some format cannot say the job; then the findings are there.
    fn object(&self, node: &NodePlan, job: &Job<'_>) -> Result<bool> {
        let found = self.project.objections(node, job, &self.forms)?;
        let any = !found.is_empty();
        if any {
            self.fail(node, found);
        }
        Ok(any)
    }

    /// The tree as payloads hold it: with its signed list where the node is to check it. None after a finding.
    fn checked_tree<'t>(
        &self,
        node: &NodePlan,
        baked: &'t RenderedNode,
        listing: &TreeListing,
        signature: Option<[u8; 64]>,
    ) -> Result<Option<Cow<'t, NodeTree>>> {
        if !checks_tree(&baked.tree) {
            return Ok(Some(Cow::Borrowed(&baked.tree)));
        }
        let (Some(signature), Some(key)) = (signature, &self.tree_key) else {
            let overlays = &node.class.spec.overlays;
            let used = overlays.iter().find(|used| used.name.value == "tree-check");
            let location = used.map_or_else(
                || node.class.spec.kubernetes.location.clone(),
                |used| used.name.location.clone(),
            );
            let finding = location
                .finding(
                    Id::TreeCheckUnsigned,
                    "the node checks its tree, and this build signs no trees",
                )
                .help("build with the signing key, or sign each tree.sums between the two stages");
            self.fail(node, vec![finding]);
            return Ok(None);
        };
        let ssh = self.builder.signatures().ssh(&listing.sums);
        let signatures = (&signature[..], ssh.as_deref());
        let tree = with_signed_list(&baked.tree, &listing.sums, signatures, key)?;
        Ok(Some(Cow::Owned(tree)))
    }

    /// A node of the last bundle stays as it is, as long as it holds the token that the manifests make, follows
    /// the same bundles, and its initramfs payload is where machines fetch it.
    fn reuse(&self, old: &OldBundle, node: &NodePlan) -> Result<bool> {
        let token = node.token.as_ref().map(|token| &*token.id);
        let would_be_the_same = old.node(&node.name).is_some_and(|record| {
            record.token_id.as_deref() == token
                && record.upgrade_from == self.upgrade.digests(&node.name)
                && is_served(record) == would_be_served(&self.settings(node), record)
        });
        Ok(would_be_the_same && self.builder.reuse(old, &node.name)?)
    }

    fn settings(&self, node: &NodePlan) -> Settings {
        let mut settings = node.class.spec.output.clone();
        if let Some(formats) = &self.formats {
            settings.formats.clone_from(formats);
        }
        settings
    }

    /// The record in bundle.json of the initramfs payload that these settings make.
    fn initramfs(&self, job: &Job<'_>) -> Option<InitramfsRecord> {
        let settings = job.settings;
        let made = self.kind == BundleKind::Bundle && settings.formats.contains(&Format::Initramfs);
        let mode = settings.initramfs.mode;
        let arguments = mode.kernel_arguments().iter();
        made.then(|| InitramfsRecord {
            mode: mode.name().to_owned(),
            kernel_arguments: arguments.map(|argument| (*argument).to_owned()).collect(),
            memory: initramfs::memory(job),
        })
    }

    fn fail(&self, node: &NodePlan, findings: Vec<Finding>) -> Marks {
        let mut all = self.findings.lock().unwrap_or_else(PoisonError::into_inner);
        let of_node = findings.into_iter();
        all.extend(of_node.map(|finding| finding.of_node(&*node.name)));
        Marks::default()
    }
}
