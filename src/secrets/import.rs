//! Tokens that a cluster already has, from what `kubeadm token list -o json` or `kubectl get secrets -o json` printed.
//! Other Secrets of such a dump are not kept, and no message repeats what is in it, but for tokens' ids.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use anyhow::{Context, bail};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::Result;
use crate::model::TokenUsage;
use crate::secrets::{CreatedToken, Secret, Token, TokenStore, is_id, is_secret};
use crate::timing::{parse_rfc3339, rfc3339, whole_seconds};
use crate::wording::counted;

/// The type of the Secrets that are tokens.
const SECRET_TYPE: &str = "bootstrap.kubernetes.io/token";
/// What every group of tokens begins with; the procedure by hand adds the node's name.
const GROUP_PREFIX: &str = "system:bootstrappers:";

/// Whose tokens are looked for.
pub struct Owners<'a> {
    /// The inventory's nodes.
    pub nodes: &'a [&'a str],
    /// The group of a node's own.
    pub group: &'a dyn Fn(&str) -> String,
}

/// What came of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Imported {
    /// The tokens that were taken over.
    pub taken: Vec<CreatedToken>,
    /// Those that were not.
    pub left_out: Vec<LeftOut>,
}

/// A token that was not taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Its id, where it has one that is an id.
    pub id: Option<String>,
    /// Why.
    pub reason: String,
}

/// A list, a Secret or one of kubeadm's tokens: the fields of all of them.
#[derive(Deserialize)]
struct Object {
    kind: Option<String>,
    items: Option<Vec<Object>>,
    #[serde(rename = "type")]
    secret_type: Option<String>,
    metadata: Option<Metadata>,
    data: Option<Data>,
    token: Option<Secret>,
    description: Option<Secret>,
    expires: Option<String>,
    usages: Option<Vec<String>>,
    groups: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    creation_timestamp: Option<String>,
}

/// A token Secret's data, each value in base64.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Data {
    token_id: Option<Secret>,
    token_secret: Option<Secret>,
    expiration: Option<Secret>,
    description: Option<Secret>,
    usage_bootstrap_authentication: Option<Secret>,
    auth_extra_groups: Option<Secret>,
}

/// A token as another program wrote it.
struct Foreign {
    id: String,
    secret: Secret,
    created: Option<String>,
    expires: Option<String>,
    description: String,
    authenticates: bool,
    groups: Vec<String>,
}

impl TokenStore {
    /// Takes over the tokens of a dump, each for the node that its groups or its description name. A node that has a
    /// good token keeps it. `name` is what errors call the dump.
    pub fn import(
        &mut self,
        dump: &[u8],
        name: &str,
        owners: &Owners<'_>,
        now: OffsetDateTime,
    ) -> Result<Imported> {
        let now = whole_seconds(now);
        let owner = Owner::index(owners);
        let mut ids = self.ids();
        let mut imported = Imported::default();
        let mut by_node: BTreeMap<String, Vec<Token>> = BTreeMap::new();
        for foreign in foreigners(dump, name)? {
            let id = is_id(&foreign.id).then(|| foreign.id.clone());
            match self.check(foreign, &owner, &mut ids, now) {
                Ok((node, token)) => by_node.entry(node).or_default().push(token),
                Err(reason) => imported.left_out.push(LeftOut { id, reason }),
            }
        }
        for (node, mut tokens) in by_node {
            // The newest token of a node is the one that is baked: the one that lives longest.
            tokens.sort_by(|a, b| (a.expires, &a.id).cmp(&(b.expires, &b.id)));
            for mut token in tokens {
                let epoch = self.newest(&node).map_or(0, |token| token.epoch);
                token.epoch = epoch
                    .checked_add(1)
                    .context("counting a node's tokens: too many")?;
                imported.taken.push(CreatedToken {
                    node: node.clone(),
                    id: token.id.clone(),
                    expires: token.expires,
                });
                self.nodes.entry(node.clone()).or_default().push(token);
            }
        }
        Ok(imported)
    }

    /// The node and the token, or why it is left out.
    fn check(
        &self,
        foreign: Foreign,
        owner: &Owner<'_>,
        ids: &mut HashSet<String>,
        now: OffsetDateTime,
    ) -> std::result::Result<(String, Token), String> {
        let Foreign { id, secret, .. } = &foreign;
        if !is_id(id) || !is_secret(secret.expose()) {
            return Err("its id or its secret is not one".into());
        }
        let Some(expires) = foreign.expires.as_deref() else {
            return Err("it never expires, and ours do: rotate it".into());
        };
        let Some(expires) = parse_rfc3339(expires) else {
            return Err("its expiration must be an RFC 3339 time in whole seconds".into());
        };
        if expires <= now {
            let at = rfc3339(expires).unwrap_or_default();
            return Err(format!("it expired at {at}"));
        }
        if !foreign.authenticates {
            return Err("it is not for authentication".into());
        }
        let node = owner.of(&foreign)?;
        if self.usable(node, now, Duration::ZERO).is_ok() {
            return Err(format!("{node} has a good token already"));
        }
        if !ids.insert(id.clone()) {
            return Err("it is there already".into());
        }
        let created = foreign.created.as_deref().and_then(parse_rfc3339);
        let token = Token {
            id: id.clone(),
            secret: secret.clone(),
            epoch: 0,
            created: created.filter(|created| *created < now).unwrap_or(now),
            expires,
            description: foreign.description,
            until: None,
            revoked: None,
            location: None,
        };
        Ok((node.to_owned(), token))
    }
}

/// Which node a token is for.
struct Owner<'a> {
    names: HashSet<&'a str>,
    groups: HashMap<String, HashSet<&'a str>>,
}

impl<'a> Owner<'a> {
    fn index(owners: &Owners<'a>) -> Self {
        let mut groups: HashMap<String, HashSet<&'a str>> = HashMap::new();
        for node in owners.nodes {
            let by_hand = format!("{GROUP_PREFIX}{}", node.replace('.', ":"));
            for group in [(owners.group)(node), by_hand] {
                groups.entry(group).or_default().insert(*node);
            }
        }
        Self {
            names: owners.nodes.iter().copied().collect(),
            groups,
        }
    }

    /// Groups come first: they are what the API server acts on, a description is for people.
    fn of(&self, foreign: &Foreign) -> std::result::Result<&'a str, String> {
        let by_group = foreign.groups.iter().filter_map(|g| self.groups.get(g));
        let mut nodes: HashSet<&str> = by_group.flatten().copied().collect();
        if nodes.is_empty() {
            let in_names = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            let words = foreign
                .description
                .split(|c: char| !in_names(c) && c != '.')
                .map(|word| word.trim_matches(['.', '-']));
            nodes.extend(words.filter_map(|word| self.names.get(word)));
        }
        match nodes.len() {
            1 => Ok(nodes.into_iter().next().unwrap_or_default()),
            0 => Err("neither its groups nor its description name a node".into()),
            count => Err(format!("it names {}", counted(count, "node"))),
        }
    }
}

/// All tokens of a dump. kubeadm prints one object after the other, kubectl one list.
fn foreigners(bytes: &[u8], name: &str) -> Result<Vec<Foreign>> {
    let mut found = Vec::new();
    let mut objects = 0;
    for object in serde_json::Deserializer::from_slice(bytes).into_iter::<Object>() {
        // serde's own message may quote what it stumbled over.
        let object = match object {
            Ok(object) => object,
            Err(error) => bail!(
                "reading {name}: line {}, column {}: not the JSON of `kubeadm token list` or `kubectl get secrets`",
                error.line(),
                error.column()
            ),
        };
        objects += 1;
        collect(object, &mut found);
    }
    if objects == 0 {
        bail!("reading {name}: there is nothing in it");
    }
    Ok(found)
}

fn collect(object: Object, found: &mut Vec<Foreign>) {
    if let Some(items) = object.items {
        items.into_iter().for_each(|item| collect(item, found));
        return;
    }
    let created = object.metadata.and_then(|data| data.creation_timestamp);
    match (object.kind.as_deref(), object.data, object.token) {
        (Some("Secret"), Some(data), _) if object.secret_type.as_deref() == Some(SECRET_TYPE) => {
            let text = |value: &Option<Secret>| decode(value.as_ref()).unwrap_or("".into());
            let shown = |value| text(value).expose().to_owned();
            let groups = shown(&data.auth_extra_groups);
            found.push(Foreign {
                id: shown(&data.token_id),
                secret: text(&data.token_secret),
                created,
                expires: data.expiration.is_some().then(|| shown(&data.expiration)),
                description: shown(&data.description),
                authenticates: shown(&data.usage_bootstrap_authentication) == "true",
                groups: groups.split(',').map(|g| g.trim().to_owned()).collect(),
            });
        }
        (Some("BootstrapToken"), _, Some(token)) => {
            let (id, secret) = token.expose().split_once('.').unwrap_or_default();
            let usages = object.usages.unwrap_or_default();
            let description = object.description.as_ref().map_or("", Secret::expose);
            found.push(Foreign {
                id: id.to_owned(),
                secret: secret.into(),
                created,
                expires: object.expires,
                description: description.to_owned(),
                authenticates: usages
                    .iter()
                    .any(|u| u == TokenUsage::Authentication.name()),
                groups: object.groups.unwrap_or_default(),
            });
        }
        _ => {}
    }
}

fn decode(value: Option<&Secret>) -> Option<Secret> {
    let bytes = Zeroizing::new(STANDARD.decode(value?.expose()).ok()?);
    Some(std::str::from_utf8(&bytes).ok()?.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::TokenTerms;
    use time::macros::datetime;

    const NOW: OffsetDateTime = datetime!(2026-11-24 15:00 UTC);
    const SECRET: &str = "0123456789abcdef";

    fn import(store: &mut TokenStore, text: &str) -> Result<Imported> {
        let owners = Owners {
            nodes: &["k8s-01", "k8s-02", "gpu-1.example.com"],
            group: &|node| format!("system:bootstrappers:node:{}", node.replace('.', ":")),
        };
        store.import(text.as_bytes(), "dump", &owners, NOW)
    }

    /// What kubeadm 1.32 prints, one object after the other.
    fn kubeadm(id: &str, description: &str, group: &str, rest: &str) -> String {
        format!(
            r#"{{"kind": "BootstrapToken", "apiVersion": "output.kubeadm.k8s.io/v1alpha3", "token": "{id}.{SECRET}",
                "description": "{description}", "usages": ["authentication", "signing"],
                "groups": ["system:bootstrappers{group}"]{rest}}}
"#
        )
    }

    fn secret(id: &str, group: &str) -> String {
        let b64 = |text: &str| STANDARD.encode(text);
        format!(
            r#"{{"apiVersion": "v1", "kind": "Secret", "type": "bootstrap.kubernetes.io/token",
                "metadata": {{"name": "bootstrap-token-{id}", "creationTimestamp": "2026-11-20T00:00:00Z"}},
                "data": {{"token-id": "{}", "token-secret": "{}", "expiration": "{}", "auth-extra-groups": "{}",
                          "usage-bootstrap-authentication": "{}", "description": "{}"}}}}"#,
            b64(id),
            b64(SECRET),
            b64("2026-12-01T00:00:00Z"),
            b64(&format!(
                "system:bootstrappers:x,system:bootstrappers:{group}"
            )),
            b64("true"),
            b64("for a node"),
        )
    }

    const LIVES: &str = r#", "expires": "2026-11-25T15:00:00Z""#;

    #[test]
    fn groups_and_descriptions_say_whose_a_token_is() {
        let text = [
            kubeadm("aaaaaa", "kubelet-bootstrap-token", ":k8s-01", LIVES),
            kubeadm("bbbbbb", "for gpu-1.example.com.", "", LIVES),
            secret("cccccc", "node:k8s-02"),
        ];
        let mut store = TokenStore::new("secrets.yaml");
        let imported = import(&mut store, &text.concat()).unwrap();
        let taken: Vec<_> = imported
            .taken
            .iter()
            .map(|taken| (taken.node.as_str(), taken.id.as_str()))
            .collect();
        assert_eq!(imported.left_out, []);
        assert_eq!(
            taken,
            [
                ("gpu-1.example.com", "bbbbbb"),
                ("k8s-01", "aaaaaa"),
                ("k8s-02", "cccccc")
            ]
        );
        let token = store.newest("k8s-02").unwrap();
        assert_eq!(token.bearer().expose(), "cccccc.0123456789abcdef");
        assert_eq!(token.created, datetime!(2026-11-20 00:00 UTC));
        assert_eq!(token.description, "for a node");
        assert_eq!(store.newest("k8s-01").unwrap().created, NOW);
        // A second import changes nothing.
        let before = store.to_yaml().unwrap();
        let again = import(&mut store, &text.concat()).unwrap();
        assert_eq!((again.taken.len(), again.left_out.len()), (0, 3));
        assert_eq!(*store.to_yaml().unwrap(), *before);
    }

    #[test]
    fn what_is_left_out_says_why() {
        for (token, reason) in [
            (kubeadm("aaaaaa", "", "", LIVES), "neither"),
            (
                kubeadm("aaaaaa", "k8s-01 k8s-02", "", LIVES),
                "it names 2 nodes",
            ),
            (kubeadm("aaaaaa", "k8s-011", ":default", LIVES), "neither"),
            (kubeadm("aaaaaa", "k8s-01", "", ""), "it never expires"),
            (kubeadm("AAAAAA", "k8s-01", "", LIVES), "its id"),
            (
                kubeadm("aaaaaa", "k8s-01", "", LIVES).replace("\"authentication\", ", ""),
                "it is not for",
            ),
            (
                kubeadm("aaaaaa", "k8s-01", "", LIVES).replace("2026-11-25", "2026-11-24"),
                "it expired at 2026-11-24T15:00:00Z",
            ),
        ] {
            let mut store = TokenStore::new("secrets.yaml");
            let imported = import(&mut store, &token).unwrap();
            assert!(imported.taken.is_empty(), "{token}");
            let [left] = &imported.left_out[..] else {
                panic!("{token}")
            };
            assert!(left.reason.starts_with(reason), "{left:?} {reason}");
            assert!(!format!("{left:?}").contains(SECRET));
        }
        // Groups win over the description, which anybody may write.
        let mut store = TokenStore::new("secrets.yaml");
        let both = kubeadm("aaaaaa", "not k8s-02", ":k8s-01", LIVES);
        assert_eq!(import(&mut store, &both).unwrap().taken[0].node, "k8s-01");
    }

    #[test]
    fn a_node_keeps_its_good_token_and_the_longest_lived_import_is_the_newest() {
        let terms = TokenTerms {
            ttl: Duration::from_secs(3600),
            now: NOW,
            boot_within: Duration::ZERO,
            force: false,
            description: "",
        };
        let mut store = TokenStore::new("secrets.yaml");
        store.create(["k8s-01"], &terms).unwrap();
        let text = [
            secret("cccccc", "k8s-02"),
            kubeadm("aaaaaa", "", ":k8s-01", LIVES),
            kubeadm("bbbbbb", "", ":k8s-02", LIVES),
        ];
        let list = format!(
            r#"{{"kind": "List", "items": [{}, {{"kind": "Secret", "type": "Opaque", "data": {{"token": "eA=="}}}}]}}"#,
            text.join(",")
        );
        let imported = import(&mut store, &list).unwrap();
        assert_eq!(
            imported.left_out[0].reason,
            "k8s-01 has a good token already"
        );
        assert_eq!(store.newest("k8s-02").unwrap().id, "cccccc");
        assert_eq!(store.newest("k8s-02").unwrap().epoch, 2);
    }

    #[test]
    fn a_bad_dump_is_refused_and_not_repeated() {
        let good = kubeadm("aaaaaa", "", ":k8s-01", LIVES);
        for text in [
            String::new(),
            good.replace("\"kind\"", "kind"),
            good.replace("\"usages\": [", &format!("\"usages\": [\"{SECRET}\", 1, ")),
            good.replace("[\"auth", &format!("\"{SECRET}\", \"x\": [\"auth")),
            format!("{good}{{"),
        ] {
            let mut store = TokenStore::new("secrets.yaml");
            let error = import(&mut store, &text).unwrap_err();
            assert!(!format!("{error:#}").contains(SECRET), "{error:#}");
            assert!(error.to_string().starts_with("reading dump: "), "{error}");
            assert_eq!(store.iter().count(), 0);
        }
    }
}
