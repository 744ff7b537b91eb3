//! An extract in. A mistake has a line and a column, and never repeats what is in the wrong field: that may be a whole
//! token, or the file may be that of the tokens themselves.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::fmt;
use std::marker::PhantomData;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use time::OffsetDateTime;

use crate::review::extract::{
    API_VERSION, Extract, KIND, NodeText, ReviewNode, TokenId, TokenText,
};
use crate::secrets::is_id;
use crate::timing::parse_rfc3339;

/// What is wrong with an extract.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtractFault {
    /// 1-based, 0 for the file as a whole.
    pub line: u32,
    /// 1-based, 0 for the file as a whole.
    pub column: u32,
    /// The rule that it breaks.
    pub rule: String,
}

impl fmt::Display for ExtractFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => f.write_str(&self.rule),
            line => write!(f, "line {line}, column {}: {}", self.column, self.rule),
        }
    }
}

/// What our own errors begin with: serde's repeat values.
const OURS: &str = "rule: ";
const SYNTAX: &str = "not the JSON of an extract, or cut short";
const FORM: &str = "a value is not of the kind that an extract has here";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    #[serde(rename = "apiVersion")]
    _api_version: ApiVersion,
    #[serde(rename = "kind")]
    _kind: Kind,
    cluster: String,
    generation: u64,
    tokens_changed: Option<Time>,
    valid_until: Option<Time>,
    #[serde(default)]
    reserved: BTreeSet<IpAddr>,
    nodes: Unique<NodeText>,
    not_in_inventory: Unique<Vec<TokenText>>,
}

impl Extract {
    /// Reads the text of an extract.
    pub fn parse(text: &str) -> Result<Self, ExtractFault> {
        let document: Document = serde_json::from_str(text).map_err(|error| fault(&error))?;
        let mut extract = Self {
            cluster: document.cluster,
            generation: document.generation,
            tokens_changed: document.tokens_changed.map(|time| time.0),
            valid_until: document.valid_until.map(|time| time.0),
            reserved: document.reserved,
            ..Self::default()
        };
        let mut ids = HashSet::new();
        for (name, node) in document.nodes.0 {
            let read = ReviewNode {
                joins: node.joins,
                addresses: node.addresses,
                networks: networks(&name, &node.networks)?,
                names: node.names,
                has_other_names: node.has_other_names,
                tokens: tokens(&name, node.tokens, &mut ids)?,
            };
            extract.nodes.insert(name, read);
        }
        for (name, of_node) in document.not_in_inventory.0 {
            if extract.nodes.contains_key(&name) {
                return Err(whole(format!("the node {name:?} is there twice")));
            }
            let read = tokens(&name, of_node, &mut ids)?;
            extract.others.insert(name, read);
        }
        Ok(extract)
    }
}

fn whole(rule: String) -> ExtractFault {
    ExtractFault {
        line: 0,
        column: 0,
        rule,
    }
}

fn fault(error: &serde_json::Error) -> ExtractFault {
    let said = error.to_string();
    let ours = said.strip_prefix(OURS).map(|said| {
        let end = said.rfind(" at line ").unwrap_or(said.len());
        said[..end].to_owned()
    });
    let rule = ours.unwrap_or_else(|| {
        let is = |start: &str| said.starts_with(start);
        let rule = if !error.is_data() {
            SYNTAX
        } else if is("unknown field `secret`") {
            "an extract must hold no secrets"
        } else if is("unknown field") {
            "a key that no extract has"
        } else if is("missing field") {
            "a key is missing"
        } else if is("duplicate field") {
            "a key is there twice"
        } else {
            FORM
        };
        rule.to_owned()
    });
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    ExtractFault {
        line: number(error.line()),
        column: number(error.column()),
        rule,
    }
}

fn networks(node: &str, texts: &[String]) -> Result<Vec<IpNet>, ExtractFault> {
    let read = |text: &String| {
        let net = text.parse::<IpNet>().ok();
        net.filter(|net| net.trunc() == *net).ok_or_else(|| {
            whole(format!(
                "a network of {node:?}: must be in CIDR notation, without host bits"
            ))
        })
    };
    texts.iter().map(read).collect()
}

fn tokens(
    node: &str,
    texts: Vec<TokenText>,
    ids: &mut HashSet<String>,
) -> Result<Vec<TokenId>, ExtractFault> {
    let wrong = |rule: &str| whole(format!("a token of {node:?}: {rule}"));
    let time = |text: &str| {
        let rule = "expires and revoked must be RFC 3339 times in whole seconds";
        parse_rfc3339(text).ok_or_else(|| wrong(rule))
    };
    let read = |text: TokenText| {
        if text.id.contains('.') {
            return Err(wrong(
                "the id must be without the secret that follows the dot",
            ));
        }
        if !is_id(&text.id) {
            return Err(wrong("the id must be six characters of a-z and 0-9"));
        }
        if !ids.insert(text.id.clone()) {
            let rule = format!("another token has the id {} too", text.id);
            return Err(wrong(&rule));
        }
        Ok(TokenId {
            expires: time(&text.expires)?,
            revoked: text.revoked.as_deref().map(time).transpose()?,
            id: text.id,
        })
    };
    texts.into_iter().map(read).collect()
}

struct Time(OffsetDateTime);

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let rule = || D::Error::custom("rule: must be an RFC 3339 time in whole seconds");
        parse_rfc3339(&text).map(Self).ok_or_else(rule)
    }
}

struct ApiVersion;

impl<'de> Deserialize<'de> for ApiVersion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        constant(deserializer, "apiVersion", API_VERSION).map(|()| Self)
    }
}

struct Kind;

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        constant(deserializer, "kind", KIND).map(|()| Self)
    }
}

fn constant<'de, D: Deserializer<'de>>(from: D, key: &str, wanted: &str) -> Result<(), D::Error> {
    if String::deserialize(from)? == wanted {
        Ok(())
    } else {
        Err(D::Error::custom(format!("rule: {key} must be {wanted}")))
    }
}

/// A map whose keys are there once: readers differ in which of two they take.
struct Unique<T>(BTreeMap<String, T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Unique<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(UniqueVisitor(PhantomData))
    }
}

struct UniqueVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for UniqueVisitor<T> {
    type Value = Unique<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map of nodes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, T>()? {
            if found.insert(name, value).is_some() {
                return Err(A::Error::custom("rule: a node is there twice"));
            }
        }
        Ok(Unique(found))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::review::Joins;
    use time::macros::datetime;

    fn example() -> Extract {
        let token = |id: &str, revoked| TokenId {
            id: id.to_owned(),
            expires: datetime!(2026-12-01 00:00 UTC),
            revoked,
        };
        let revoked = Some(datetime!(2026-11-01 00:00 UTC));
        let node = |joins, tokens| ReviewNode {
            joins,
            tokens,
            ..ReviewNode::default()
        };
        let mut first = node(
            Joins::Token,
            vec![token("123456", revoked), token("1e1000", None)],
        );
        first.addresses = vec!["10.0.0.1".parse().unwrap(), "fd00::1".parse().unwrap()];
        first.names = ["a.example.com".to_owned()].into();
        first.networks = vec!["10.1.0.0/16".parse().unwrap(), "fd00::/64".parse().unwrap()];
        let mut template = node(Joins::Certificate, Vec::new());
        template.has_other_names = true;
        let nodes = [
            ("on", first),
            ("off", template),
            ("elsewhere", node(Joins::Elsewhere, Vec::new())),
        ];
        Extract {
            cluster: "test".into(),
            generation: 7,
            tokens_changed: Some(datetime!(2026-11-24 15:00 UTC)),
            valid_until: Some(datetime!(2027-11-24 15:00 UTC)),
            reserved: ["10.0.0.9".parse().unwrap()].into(),
            nodes: nodes.map(|(name, node)| (name.to_owned(), node)).into(),
            others: [("gone".to_owned(), vec![token("abcdef", None)])].into(),
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for extract in [Extract::default(), example()] {
            let text = extract.to_json().unwrap();
            assert_eq!(Extract::parse(&text), Ok(extract), "{text}");
        }
        let end = datetime!(2027-11-24 15:00 UTC);
        assert!(example().has_ended(end) && !example().has_ended(end - time::Duration::SECOND));
    }

    /// The file of the guide, to the letter.
    #[test]
    fn the_guides_example_is_read_and_written() {
        const GUIDE: &str = include_str!("../man/requests.md");
        let (_, rest) = GUIDE.split_once("```json\n").unwrap();
        let (text, _) = rest.split_once("```").unwrap();
        let extract = Extract::parse(text).unwrap();
        assert_eq!(extract.to_json().unwrap(), text);
        assert!(extract.nodes.len() > 1 && !extract.others.is_empty());
    }

    #[test]
    fn mistakes_are_told_and_repeat_no_secret() {
        const SECRET: &str = "testonlysecret00";
        let good = example().to_json().unwrap();
        let swap = |from: &str, to: &str| {
            assert!(good.contains(from), "{from} {good}");
            good.replace(from, to)
        };
        for (text, said) in [
            (String::new(), SYNTAX),
            ("[]".into(), FORM),
            ("{}".into(), "a key is missing"),
            (
                format!("tokens:\n  a: [{{id: abcdef, secret: {SECRET}}}]"),
                SYNTAX,
            ),
            (good[..good.len() - 3].into(), SYNTAX),
            (format!("{good}{{}}"), SYNTAX),
            (
                swap("nodebake/v1", "nodebake/v2"),
                "apiVersion must be nodebake/v1",
            ),
            (swap("\"Review\"", "\"Secrets\""), "kind must be Review"),
            (swap("\"generation\": 7", "\"generation\": -7"), FORM),
            (swap("\"generation\": 7,", ""), "a key is missing"),
            (
                swap("\"generation\"", "\"other\""),
                "a key that no extract has",
            ),
            (
                swap("\"generation\": 7", "\"generation\": 7, \"generation\": 7"),
                "a key is there twice",
            ),
            (swap("\"off\"", "\"on\""), "a node is there twice"),
            (swap("\"gone\"", "\"on\""), "the node \"on\" is there twice"),
            (swap("\"certificate\"", "\"magic\""), FORM),
            (swap("10.0.0.1\"", "10.0.0.0/8\""), FORM),
            (swap("10.1.0.0/16", "10.1.0.1/16"), "without host bits"),
            (swap("10.1.0.0/16", SECRET), "without host bits"),
            (
                swap("2027-11-24T15:00:00Z", "tomorrow"),
                "must be an RFC 3339 time",
            ),
            (
                swap("2026-12-01T00:00:00Z", "tomorrow"),
                "must be RFC 3339 times",
            ),
            (swap("123456", "12345"), "six characters"),
            (
                swap("123456", &format!("123456.{SECRET}")),
                "the secret that follows the dot",
            ),
            (swap("abcdef", "123456"), "another token has the id 123456"),
            (
                swap(
                    "\"id\":\"abcdef\"",
                    &format!("\"id\":\"abcdef\",\"secret\":\"{SECRET}\""),
                ),
                "no secrets",
            ),
            (
                swap("\"addresses\":[", &format!("\"addresses\":[\"{SECRET}\",")),
                FORM,
            ),
            (
                swap(
                    "\"generation\": 7",
                    &format!("\"generation\": \"{SECRET}\""),
                ),
                FORM,
            ),
        ] {
            let fault = Extract::parse(&text).expect_err(&text).to_string();
            assert!(fault.contains(said), "{fault}: {said}\n{text}");
            assert!(!fault.contains(SECRET), "{fault}");
        }
    }
}
