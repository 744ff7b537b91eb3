//! Pieces of a class that are only looked up: what a layer says becomes texts that may be templates.

use crate::compile::class::{AuthTemplate, KubeconfigTemplate, UnitTemplate};
use crate::compile::text::TemplateText;
use crate::identity::Kubeconfig;
use crate::inventory::{Attributes, Body, KubeconfigAuth, PermissionChange, Spec, Text, UnitSpec};
use crate::plan::Plan;
use crate::template::TemplateSet;

pub(super) fn named(
    list: &[(String, Text)],
    templates: &mut TemplateSet,
) -> Vec<(String, TemplateText)> {
    list.iter()
        .map(|(name, text)| (name.clone(), TemplateText::new(text, templates)))
        .collect()
}

pub(super) fn flags(
    list: &[(String, Option<Text>)],
    templates: &mut TemplateSet,
) -> Vec<(String, Option<TemplateText>)> {
    let mut piece = |text: &Text| TemplateText::new(text, templates);
    list.iter()
        .map(|(name, value)| (name.clone(), value.as_ref().map(&mut piece)))
        .collect()
}

pub(super) fn permissions(
    spec: &Spec,
    templates: &mut TemplateSet,
) -> Vec<(TemplateText, PermissionChange)> {
    let changes = spec.files.iter().filter_map(|file| match &file.body {
        Body::Elsewhere(change) => Some((&file.path, change.clone())),
        Body::Content(_) | Body::Template(_) | Body::Source(_) => None,
    });
    changes
        .map(|(path, change)| (TemplateText::new(path, templates), change))
        .collect()
}

pub(super) fn directories(
    spec: &Spec,
    templates: &mut TemplateSet,
) -> Vec<(TemplateText, Attributes)> {
    let directories = spec.directories.iter();
    directories
        .map(|directory| {
            let path = TemplateText::new(&directory.path, templates);
            (path, directory.attributes.clone())
        })
        .collect()
}

pub(super) fn kubeconfigs(
    spec: &Spec,
    plan: &Plan,
    templates: &mut TemplateSet,
) -> Vec<KubeconfigTemplate> {
    let kubeconfigs = spec.kubeconfigs.iter();
    kubeconfigs
        .map(|kubeconfig| {
            // A user without a certificate is called by where its token comes from.
            let (user, auth) = match &kubeconfig.auth {
                KubeconfigAuth::Certificate(who) => {
                    let user = who.user.value.as_str();
                    (user, AuthTemplate::User(user.to_owned()))
                }
                KubeconfigAuth::TokenFile(path) => (
                    "token",
                    AuthTemplate::TokenFile(TemplateText::new(path, templates)),
                ),
            };
            let url = &plan.cluster.api_server.url.value;
            let server = kubeconfig.server.as_ref().unwrap_or(url);
            let name = &plan.cluster.name.value;
            KubeconfigTemplate {
                path: TemplateText::new(&kubeconfig.path, templates),
                head: Kubeconfig::new(name, server, plan.ca.pem.as_bytes(), user),
                auth,
                attributes: kubeconfig.attributes.clone(),
            }
        })
        .collect()
}

pub(super) fn links(
    spec: &Spec,
    templates: &mut TemplateSet,
) -> Vec<(TemplateText, TemplateText, bool)> {
    let links = spec.links.iter();
    links
        .map(|link| {
            let path = TemplateText::new(&link.path, templates);
            (
                path,
                TemplateText::new(&link.target, templates),
                link.replace,
            )
        })
        .collect()
}

pub(super) fn unit_piece(unit: &UnitSpec, templates: &mut TemplateSet) -> UnitTemplate {
    UnitTemplate {
        text: unit
            .text
            .as_ref()
            .map(|text| TemplateText::new(text, templates)),
        dropins: unit
            .dropins
            .iter()
            .map(|(file, text)| (file.clone(), TemplateText::new(text, templates)))
            .collect(),
        spec: unit.clone(),
    }
}
