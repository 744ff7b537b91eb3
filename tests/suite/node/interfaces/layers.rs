//! Interfaces in profiles, in cluster.yaml, in ranges, tables and nodes: merged by name, and rendered for each node.

use serde_json::Value as Json;

use crate::support::new_project::NewProject;
use crate::support::tool::nodebake;

const PROFILE: &str = "apiVersion: nodebake/v1\nkind: Profile\n";

fn project(lines: &str, profile: &str) -> NewProject {
    let profile = format!("{PROFILE}{profile}");
    NewProject::with_files(lines, &[("profiles/site.yaml", &profile)])
}

fn network_file(project: &NewProject, node: &str, name: &str) -> String {
    let path = format!("/etc/systemd/network/06-nodebake-{name}.network");
    project.good(&["show", node, "--file", &path])
}

/// Each finding as `ID FILE PATH MESSAGE NODES`.
fn found(project: &NewProject) -> Vec<String> {
    let output = nodebake(&project.dir(), &["check", "--format", "json"]).run();
    let said: Json = serde_json::from_slice(&output.stdout).unwrap();
    let all = said["findings"].as_array().unwrap().iter();
    let shown = all.map(|one| {
        let text = |key: &str| one[key].as_str().unwrap_or_default();
        let nodes = one["nodes"].as_array().into_iter().flatten();
        let nodes: Vec<&str> = nodes.filter_map(Json::as_str).collect();
        format!(
            "{} {} {}: {} {nodes:?}",
            text("id"),
            text("file"),
            text("path"),
            text("message")
        )
    });
    shown.filter(|one| !one.starts_with("token-")).collect()
}

#[test]
fn the_same_templates_work_wherever_interfaces_are_written() {
    let lan0 = "lan0: {mac: '{{ node.macs[0] }}', addresses: ['{{ node.address }}/{{ vars.prefix }}'], gateways: ['{{ vars.router }}'], mtu: '{{ vars.mtu }}', optional: '{% if os.arch == \"arm64\" %}true{% else %}false{% endif %}', dns: {servers: '{{ vars.dns }}', search: ['{{ node.name }}.example.com']}, dhcp: '{{ vars.dhcp }}'}";
    let vars =
        "vars: {prefix: 24, router: 10.1.0.254, mtu: 9000, dns: 10.1.0.2 10.1.0.3, dhcp: ipv6}";
    let node = "addresses: [10.1.0.7], macs: ['52:54:00:00:00:07'], profiles: [site], os: {network: networkd, arch: arm64}";
    let range = "range: {names: 'n[7-7]', start: 10.1.0.7}, profiles: [site], os: {network: networkd, arch: arm64}";
    let macs = "{name: n7, macs: ['52:54:00:00:00:07']}";
    let with = |interfaces: bool| {
        if interfaces {
            format!("interfaces: {{{lan0}}}\n")
        } else {
            String::new()
        }
    };
    let table = serde_json::json!([{
        "name": "n7", "addresses": ["10.1.0.7"], "macs": ["52:54:00:00:00:07"], "profiles": ["site"],
        "os": {"network": "networkd", "arch": "arm64"},
        "interfaces.lan0.mac": "{{ node.macs[0] }}",
        "interfaces.lan0.addresses": "{{ node.address }}/{{ vars.prefix }}",
        "interfaces.lan0.gateways": "{{ vars.router }}",
        "interfaces.lan0.mtu": "{{ vars.mtu }}",
        "interfaces.lan0.optional": "{% if os.arch == 'arm64' %}true{% else %}false{% endif %}",
        "interfaces.lan0.dns.servers": "{{ vars.dns }}",
        "interfaces.lan0.dns.search": "{{ node.name }}.example.com",
        "interfaces.lan0.dhcp": "{{ vars.dhcp }}",
    }])
    .to_string();
    let csv = "name,addresses,macs,profiles,os.network,os.arch,interfaces.lan0.mac,interfaces.lan0.addresses,interfaces.lan0.gateways,interfaces.lan0.mtu,interfaces.lan0.optional,interfaces.lan0.dns.servers,interfaces.lan0.dns.search,interfaces.lan0.dhcp
n7,10.1.0.7,52:54:00:00:00:07,site,networkd,arm64,{{ node.macs[0] }},{{ node.address }}/{{ vars.prefix }},{{ vars.router }},{{ vars.mtu }},{% if os.arch == 'arm64' %}true{% else %}false{% endif %},{{ vars.dns }},{{ node.name }}.example.com,{{ vars.dhcp }}\n";
    let head = format!("profiles: [worker]\n{vars}\n");
    let cases = [
        (
            "a node",
            format!(
                "{head}nodes: [{{name: n7, {node}, {}}}]\n",
                with(true).trim()
            ),
            String::new(),
            "",
        ),
        (
            "a range",
            format!(
                "{head}nodes: [{{{range}, {}}}, {macs}]\n",
                with(true).trim()
            ),
            String::new(),
            "",
        ),
        (
            "a profile",
            format!("{head}nodes: [{{{range}}}, {macs}]\n"),
            with(true),
            "",
        ),
        (
            "cluster.yaml",
            format!("{head}{}nodes: [{{{range}}}, {macs}]\n", with(true)),
            String::new(),
            "",
        ),
        (
            "a profile of the cluster",
            format!("profiles: [worker, site]\n{vars}\nnodes: [{{name: n7, {node}}}]\n"),
            with(true),
            "",
        ),
        (
            "a table in CSV",
            format!("{head}nodesFrom: [t.csv]\n"),
            String::new(),
            csv,
        ),
        (
            "a table in JSON",
            format!("{head}nodesFrom: [t.json]\n"),
            String::new(),
            &table,
        ),
    ];
    let mut texts = Vec::new();
    for (what, lines, profile, table) in cases {
        let profile = format!("{PROFILE}{profile}");
        let files = [
            ("profiles/site.yaml", &*profile),
            ("t.csv", table),
            ("t.json", table),
        ];
        let project = NewProject::with_files(&lines, &files);
        let said = project.run(&["check", "--strict"]);
        assert!(said.contains("can be built"), "{what}: {said}");
        let text = network_file(&project, "n7", "lan0");
        for line in [
            "PermanentMACAddress=52:54:00:00:00:07",
            "Address=10.1.0.7/24",
            "Gateway=10.1.0.254",
            "MTUBytes=9000",
            "RequiredForOnline=no",
            "DNS=10.1.0.2",
            "DNS=10.1.0.3",
            "Domains=n7.example.com",
            "DHCP=ipv6",
        ] {
            assert!(text.contains(line), "{what}: {line}: {text}");
        }
        texts.push(text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "{texts:#?}");
}

#[test]
fn layers_merge_by_name_and_null_removes() {
    let site = "interfaces:\n  lan0: {addresses: ['{{ node.address }}/24'], gateways: [10.1.0.254], mtu: 1400}\n  lan1: {dhcp: ipv4}\n  lan2: {dhcp: ipv6}\n";
    let lines = "profiles: [worker]\nos: {network: networkd}
interfaces: {lan0: {mtu: 9000, dns: {servers: [10.1.0.2]}}, lan3: {dhcp: both}}
nodes:
  - {name: a, addresses: [10.1.0.1], profiles: [site]}
  - {name: b, addresses: [10.1.0.2], profiles: [site], interfaces: {lan1: null, lan0: {mtu: null, gateways: [10.1.0.253]}, lan4: {dhcp: ipv4}}}
  - {name: c, addresses: [10.1.0.3], interfaces: {lan0: {addresses: [10.1.0.3/24]}}}
  - {name: d, addresses: [10.1.0.4], profiles: [site], interfaces: null}
  - {range: {names: 'e-[1-2]', start: 10.1.0.5}, profiles: [site], interfaces: {lan1: {mtu: 1300}}}
  - {name: e-2, interfaces: {lan1: {dhcp: ipv6}}}
";
    let project = project(lines, site);
    assert_eq!(
        project.good(&["check"]).lines().last(),
        Some("6 nodes can be built")
    );
    let of = |node: &str| {
        let shown = project.good(&["show", node, "--origin"]);
        let lines = shown.lines().filter(|line| line.starts_with("interfaces."));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(
        of("a"),
        [
            "interfaces.lan0.mtu: 1400  (profiles/site.yaml:4:77)",
            "interfaces.lan0.dns.servers: [\"10.1.0.2\"]  (cluster.yaml:9:47)",
            "interfaces.lan0.addresses: [\"10.1.0.1/24\"]  (profiles/site.yaml:4:21)",
            "interfaces.lan0.gateways: [\"10.1.0.254\"]  (profiles/site.yaml:4:58)",
            "interfaces.lan3.dhcp: \"both\"  (cluster.yaml:9:74)",
            "interfaces.lan1.dhcp: \"ipv4\"  (profiles/site.yaml:5:16)",
            "interfaces.lan2.dhcp: \"ipv6\"  (profiles/site.yaml:6:16)",
        ]
        .map(str::to_owned)
    );
    let b = of("b").join("\n");
    assert!(!b.contains("lan1") && !b.contains("mtu"), "{b}");
    assert!(
        b.contains("interfaces.lan0.gateways: [\"10.1.0.253\"]"),
        "{b}"
    );
    assert!(b.contains("interfaces.lan4.dhcp: \"ipv4\""), "{b}");
    assert_eq!(of("c").len(), 4, "{:?}", of("c"));
    assert!(of("d").is_empty(), "{:?}", of("d"));
    let e = [of("e-1").join("\n"), of("e-2").join("\n")];
    for (text, dhcp) in e.iter().zip(["ipv4", "ipv6"]) {
        assert!(text.contains(&format!("lan1.dhcp: \"{dhcp}\"")), "{text}");
        assert!(text.contains("lan1.mtu: 1300"), "{text}");
    }
}

#[test]
fn names_are_templates_and_what_renders_to_nothing_is_left_out() {
    let site = "interfaces:
  '{% if os.arch == \"arm64\" %}end0{% else %}eno1{% endif %}': {addresses: ['{{ node.address }}/24', '{% if node.addresses | length > 1 %}{{ node.addresses[1] }}/64{% endif %}'], mtu: '{{ vars.mtu | default(value=\"\") }}'}
  '{{ vars.second | default(value=\"\") }}': {dhcp: ipv4}
";
    let lines = "profiles: [worker, site]\nos: {network: networkd}
nodes:
  - {name: a, addresses: [10.1.0.1], os: {arch: arm64}}
  - {name: b, addresses: [10.1.0.2, 'fd00::2'], vars: {mtu: 9000, second: lan9}}
";
    let project = project(lines, site);
    let said = project.run(&["check", "--strict"]);
    assert!(said.contains("2 nodes can be built"), "{said}");
    let a = network_file(&project, "a", "end0");
    assert!(
        a.contains("Address=10.1.0.1/24") && !a.contains("MTU"),
        "{a}"
    );
    let b = network_file(&project, "b", "eno1");
    assert!(
        b.contains("Address=fd00::2/64") && b.contains("MTUBytes=9000"),
        "{b}"
    );
    assert!(network_file(&project, "b", "lan9").contains("DHCP=ipv4"));
    assert!(!project.good(&["show", "a"]).contains("lan9"));
}

#[test]
fn findings_are_at_the_template_with_the_nodes() {
    for (interfaces, wanted) in [
        // What one node lacks.
        (
            "lan0: {addresses: ['{{ node.addresses[1] }}/64']}",
            "template-failed profiles/site.yaml interfaces.lan0.addresses[0]: ",
        ),
        (
            "lan0: {mac: '{{ node.macs[0] }}', dhcp: ipv4}",
            "template-failed profiles/site.yaml interfaces.lan0.mac: ",
        ),
        (
            "lan0: {addresses: ['{{ node.address }}/{{ vars.prefix }}']}",
            "template-failed profiles/site.yaml interfaces.lan0.addresses[0]: ",
        ),
        (
            "'{{ vars.card }}': {dhcp: ipv4}",
            "template-failed profiles/site.yaml interfaces[",
        ),
        // What a template makes is read by the rules of its key.
        (
            "lan0: {addresses: ['{{ node.address }}']}",
            "cidr-invalid profiles/site.yaml interfaces.lan0.addresses[0]: ",
        ),
        (
            "lan0: {addresses: ['{{ node.address }}/33']}",
            "cidr-invalid profiles/site.yaml interfaces.lan0.addresses[0]: ",
        ),
        (
            "lan0: {addresses: ['{{ node.address }}/24'], mtu: '{{ node.name }}'}",
            "value-type-wrong profiles/site.yaml interfaces.lan0.mtu: ",
        ),
        (
            "lan0: {dhcp: '{{ node.name }}'}",
            "value-not-a-choice profiles/site.yaml interfaces.lan0.dhcp: ",
        ),
        (
            "'{{ node.name }}/x': {dhcp: ipv4}",
            "name-invalid profiles/site.yaml interfaces[",
        ),
        // Rules between values.
        (
            "lan0: {addresses: ['{{ node.address }}/24'], gateways: [10.9.0.1]}",
            "gateway-unreachable profiles/site.yaml interfaces.lan0.gateways[0]: ",
        ),
        (
            "lan0: {addresses: ['{{ node.address }}/24'], adress: x}",
            "field-unknown profiles/site.yaml interfaces.lan0.adress: ",
        ),
    ] {
        let lines = "profiles: [worker]\nos: {network: networkd}\nnodes: [{range: {names: 'e-[1-3]', start: 10.1.0.1}, profiles: [site]}, {name: other, addresses: [10.1.0.9]}]\n";
        let project = project(lines, &format!("interfaces: {{{interfaces}}}\n"));
        let found = found(&project);
        let fits =
            |one: &&String| one.starts_with(wanted) && one.ends_with("[\"e-1\", \"e-2\", \"e-3\"]");
        let count = found.iter().filter(fits).count();
        assert_eq!(count, 1, "{interfaces}: {found:#?}");
    }
}

#[test]
fn what_is_wrong_for_one_node_names_it_alone() {
    let site =
        "interfaces: {lan0: {addresses: ['{{ node.address }}/24'], gateways: [10.1.0.254]}}\n";
    let lines = "profiles: [worker, site]\nos: {network: networkd}\nnodes: [{range: {names: 'e-[1-3]', start: 10.1.0.1}}, {name: far, addresses: [10.2.0.9]}]\n";
    let found = found(&project(lines, site));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0]
            .starts_with("gateway-unreachable profiles/site.yaml interfaces.lan0.gateways[0]: ")
            && found[0].ends_with("[\"far\"]"),
        "{found:#?}"
    );
}

#[test]
fn all_renderers_write_what_a_profile_says() {
    for (manager, path, lines) in [
        (
            "networkd",
            "/etc/systemd/network/06-nodebake-lan0.network",
            &["Address=10.1.0.2/24", "Gateway=10.1.0.254"][..],
        ),
        (
            "networkManager",
            "/etc/NetworkManager/system-connections/nodebake-lan0.nmconnection",
            &["10.1.0.2/24"],
        ),
        ("netplan", "/etc/netplan/60-nodebake.yaml", &["10.1.0.2/24"]),
    ] {
        let lines_of = format!(
            "profiles: [worker, site]\nos: {{network: {manager}}}\nnodes: [{{range: {{names: 'e-[1-3]', start: 10.1.0.1}}}}]\n"
        );
        let site =
            "interfaces: {lan0: {addresses: ['{{ node.address }}/24'], gateways: [10.1.0.254]}}\n";
        let project = project(&lines_of, site);
        let tree = project.good(&["show", "e-2"]);
        assert!(tree.contains(path), "{tree}");
        let text = project.good(&["show", "e-2", "--file", path]);
        for line in lines {
            assert!(text.contains(line), "{manager}: {text}");
        }
        project.good(&["build"]);
        let config = project.built("nodes/e-2/network-config");
        assert!(config.contains("10.1.0.2/24"), "{manager}: {config}");
    }
}

#[test]
fn a_node_that_others_made_has_no_interfaces_of_profiles() {
    let site = "interfaces: {lan0: {addresses: ['{{ node.address }}/24']}}\n";
    let lines = "profiles: [worker, site]\nos: {network: networkd}\nnodes: [{name: a, addresses: [10.1.0.1]}, {name: cp, managed: false, addresses: [10.1.0.2], interfaces: {lan1: {addresses: ['{{ node.address }}/16', 10.5.0.1/16]}}}]\n";
    let project = project(lines, site);
    assert!(project.run(&["check"]).contains("can be built"));
}
