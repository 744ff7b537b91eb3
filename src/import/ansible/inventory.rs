//! An inventory of Ansible: hosts, groups and their variables, from any of its forms and the folders beside it. A variable
//! counts as Ansible has it: of all, of a group, of a group in that group, of the host.

use std::collections::BTreeMap;

use indexmap::IndexMap;

use crate::import::ansible::range::expand;
use crate::import::values::invalid;
use crate::model::Location;
use crate::report::Report;
use crate::yaml::{Located, Value};

/// Variables by name.
pub type Vars = IndexMap<String, Located>;

/// A group of hosts.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Its own hosts.
    pub hosts: Vec<String>,
    /// Its groups.
    pub children: Vec<String>,
    /// Its variables.
    pub vars: Vars,
}

/// An inventory.
#[derive(Clone, Debug, Default)]
pub struct Inventory {
    groups: IndexMap<String, Group>,
    hosts: IndexMap<String, (Location, Vars)>,
}

/// How deep groups may be in one another.
const DEEPEST: usize = 32;

impl Inventory {
    /// A group, made where it is new.
    pub fn group(&mut self, name: &str) -> &mut Group {
        self.groups.entry(name.to_owned()).or_default()
    }

    /// A host's variables; it is made where it is new.
    pub fn host(&mut self, name: &str, at: &Location) -> &mut Vars {
        let new = || (at.clone(), Vars::new());
        &mut self.hosts.entry(name.to_owned()).or_insert_with(new).1
    }

    /// The hosts in order, each with where it is.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, &Location)> {
        self.hosts.iter().map(|(name, (at, _))| (name.as_str(), at))
    }

    /// Adds variables of a group or, with `is_host`, of a host, out of a file of theirs.
    pub fn add_vars(&mut self, name: &str, is_host: bool, tree: &Located) {
        let Some(map) = tree.as_map() else {
            return;
        };
        let vars = if is_host {
            match self.hosts.get_mut(name) {
                Some((_, vars)) => vars,
                None => return,
            }
        } else {
            &mut self.group(name).vars
        };
        let read = map.iter();
        vars.extend(read.map(|(key, field)| (key.to_string(), field.value.clone())));
    }

    /// Reads the YAML form, or what `ansible-inventory --list` prints.
    pub fn read_tree(&mut self, tree: &Located, report: &mut Report) {
        let Some(map) = tree.as_map() else {
            report.add(invalid(
                &tree.location,
                "",
                "must be an inventory of Ansible",
            ));
            return;
        };
        for (name, field) in map.iter() {
            if &**name == "_meta" {
                let hosts = field.value.get("hostvars").and_then(Located::as_map);
                for (host, vars) in hosts.into_iter().flat_map(|map| map.iter()) {
                    self.host(host, &vars.key);
                    self.add_vars(host, true, &vars.value);
                }
            } else {
                self.read_group(name, &field.value, 0);
            }
        }
    }

    fn read_group(&mut self, name: &str, tree: &Located, depth: usize) {
        self.group(name);
        match tree.get("hosts").map(|at| (&at.value, &at.location)) {
            Some((Value::Map(hosts), _)) => {
                for (pattern, field) in hosts.iter() {
                    let mut members = Vec::new();
                    if !expand(pattern, &mut members) {
                        members = vec![pattern.to_string()];
                    }
                    for host in members {
                        self.host(&host, &field.key);
                        self.add_vars(&host, true, &field.value);
                        self.add_host(name, &host);
                    }
                }
            }
            Some((Value::List(hosts), _)) => {
                for (host, at) in hosts
                    .iter()
                    .filter_map(|at| Some((at.as_str()?, &at.location)))
                {
                    self.host(host, at);
                    self.add_host(name, host);
                }
            }
            _ => {}
        }
        if let Some(vars) = tree.get("vars") {
            self.add_vars(name, false, vars);
        }
        match tree.get("children").map(|at| &at.value) {
            Some(Value::Map(children)) if depth < DEEPEST => {
                for (child, field) in children.iter() {
                    self.read_group(child, &field.value, depth + 1);
                    self.group(name).children.push(child.to_string());
                }
            }
            Some(Value::List(children)) => {
                let children = children
                    .iter()
                    .filter_map(Located::as_str)
                    .map(str::to_owned);
                self.group(name).children.extend(children);
            }
            _ => {}
        }
    }

    fn add_host(&mut self, group: &str, host: &str) {
        let hosts = &mut self.group(group).hosts;
        if !hosts.iter().any(|known| known == host) {
            hosts.push(host.to_owned());
        }
    }

    /// Gives groups that have variables but no members these groups as members.
    pub fn whole_cluster(&mut self, names: [&str; 2], members: &[&str]) {
        let known: Vec<String> = members
            .iter()
            .filter(|name| self.groups.contains_key(**name))
            .map(|name| (*name).to_owned())
            .collect();
        for name in names {
            if let Some(group) = self
                .groups
                .get_mut(name)
                .filter(|group| group.hosts.is_empty() && group.children.is_empty())
            {
                group.children.clone_from(&known);
            }
        }
    }

    /// Whether a host is in a group, or in one of its groups.
    pub fn is_in(&self, host: &str, group: &str) -> bool {
        self.depth(host, group, 0).is_some()
    }

    /// How far below a group a host is.
    fn depth(&self, host: &str, group: &str, depth: usize) -> Option<usize> {
        let found = self.groups.get(group).filter(|_| depth < DEEPEST)?;
        if found.hosts.iter().any(|known| known == host) {
            return Some(depth);
        }
        let below = found.children.iter();
        below
            .filter_map(|child| self.depth(host, child, depth + 1))
            .min()
    }

    /// All variables of a host.
    pub fn vars(&self, host: &str) -> Vars {
        let mut all = Vars::new();
        let mut take = |vars: &Vars| {
            for (key, value) in vars {
                all.insert(key.clone(), value.clone());
            }
        };
        if let Some(group) = self.groups.get("all") {
            take(&group.vars);
        }
        // A group that is further above the host is overridden by one that is nearer to it.
        let mut above: BTreeMap<(usize, &str), &Vars> = BTreeMap::new();
        for (name, group) in self.groups.iter().filter(|(name, _)| *name != "all") {
            if let Some(depth) = self.depth(host, name, 0) {
                above.insert((DEEPEST - depth, name), &group.vars);
            }
        }
        for vars in above.values() {
            take(vars);
        }
        if let Some((_, vars)) = self.hosts.get(host) {
            take(vars);
        }
        all
    }
}
