//! Automatic approval and tokens that live long: whoever holds one can become any node until it ends.

use time::{Duration, OffsetDateTime};

use crate::inventory::Cluster;
use crate::model::Approval;
use crate::plan::{Inputs, NodePlan};
use crate::report::{Id, Report};
use crate::secrets::Token;
use crate::timing::rfc3339;

/// Longer than this, automatic approval is worth a warning.
const LONG: Duration = Duration::DAY;

/// Before that it is time to build with a later end.
const SOON: Duration = Duration::days(30);

/// The approver must go on while kubelets renew their certificates.
pub(super) fn check_approver(cluster: &Cluster, inputs: &Inputs<'_>, report: &mut Report) {
    let end = cluster
        .approver
        .as_ref()
        .and_then(|it| it.valid_until.as_ref());
    let Some(end) = end.filter(|end| end.value - inputs.at < SOON) else {
        return;
    };
    let rule =
        "the approver approves nothing from then on, which is in less than 30 days, or has passed";
    let finding = end.location.finding(Id::ApproverEnds, rule);
    report.add(finding.help("write a later time, build, and apply cluster/approver"));
}

/// Looks at the tokens as they are, also those that end soon because another took their place: the setting of a later
/// `ttl` shortens none. Only where no token is known, `tokens.ttl` says how long one will live.
pub(super) fn check(
    cluster: &Cluster,
    nodes: &[NodePlan],
    inputs: &Inputs<'_>,
    report: &mut Report,
) {
    let approval = &cluster.tokens.approval;
    if approval.value != Approval::Auto {
        return;
    }
    let tokens = |node: &NodePlan| -> Option<OffsetDateTime> {
        let tokens = node.token.iter().chain(&node.overlapping);
        tokens.map(Token::ends).max()
    };
    let ends: Vec<(&str, OffsetDateTime)> = nodes
        .iter()
        .filter_map(|node| Some((node.name.as_str(), tokens(node)?)))
        .collect();
    let (rule, long) = if ends.is_empty() || inputs.tokens.is_placeholder() {
        let ttl = Duration::try_from(cluster.tokens.ttl.value).unwrap_or(Duration::MAX);
        if ttl <= LONG {
            return;
        }
        ("tokens live longer than a day".to_owned(), Vec::new())
    } else {
        let is_long = |end: OffsetDateTime| end - inputs.at > LONG;
        let long = ends.iter().filter(|(_, end)| is_long(*end));
        let Some(last) = long.clone().map(|(_, end)| *end).max() else {
            return;
        };
        let until = rfc3339(last).unwrap_or_default();
        let names = long.map(|(name, _)| (*name).to_owned());
        (format!("tokens are good until {until}"), names.collect())
    };
    let rule = format!("{rule}, and with automatic approval whoever holds one can become any node");
    let mut finding = approval.location.finding(Id::ApprovalTokenLong, rule).help(
        "set tokens.approval to review, or tokens.ttl to 24h and run `nodebake token rotate`",
    );
    finding.nodes = long;
    report.add(finding);
}
