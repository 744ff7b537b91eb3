//! Templates that would take all memory or all time: each is one finding, with its place, within seconds. And templates
//! that do much, which are rendered.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::fixture::{Project, text};

/// A debug build on a busy machine; without bounds these take hours, or all memory.
const SECONDS: Duration = Duration::from_secs(20);
/// What the program may have at most while it finds them: the bounds of a template, and what it has anyway.
const PEAK: u64 = 400 << 20;

/// A project whose node has a file made by a template.
fn project(template: &str) -> Project {
    let project = Project::of("reference");
    let folder = project.dir.join("overlays/bomb/root/etc");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("bomb.tera"), template).unwrap();
    let inventory = project.dir.join("cluster.yaml");
    let before = fs::read_to_string(&inventory).unwrap();
    let marked = "nodes:\n";
    assert!(before.contains(marked));
    let long = if template.contains("vars.long") {
        "x".repeat(1 << 20)
    } else {
        String::new()
    };
    let vars = format!("vars: {{long: \"{long}\"}}\noverlays: {{bomb: {{}}}}\n");
    fs::write(
        &inventory,
        before.replace(marked, &format!("{vars}{marked}")),
    )
    .unwrap();
    project
}

fn doublings(body: &str) -> String {
    format!(
        "{{% set x = \"ab\" %}}\n{}{{{{ x }}}}",
        format!("{body}\n").repeat(40)
    )
}

#[test]
fn templates_that_grow_or_run_without_end_are_findings() {
    let concat = doublings("{% set x = x ~ x %}");
    let global = doublings("{% set_global x = x ~ x %}");
    let captured = doublings("{% set x %}{{ x }}{{ x }}{% endset %}");
    let lists = doublings("{% set x = [x, x] %}");
    let spread = format!(
        "{{% set x = [1] %}}\n{}",
        "{% set x = [...x, ...x] %}\n".repeat(40)
    );
    let maps = doublings("{% set x = {\"a\": x, \"b\": x} %}");
    let replaced = doublings("{% set x = x | replace(from=\"a\", to=x ~ \"a\") %}");
    let chained = format!(
        "{{{{ \"a\"{} }}}}",
        " | replace(from=\"a\", to=\"aaaaaaaaaa\")".repeat(30)
    );
    let encoded = format!("{{{{ vars.long{} }}}}", " | b64encode".repeat(60));
    let json = format!("{{{{ '\"'{} }}}}", " | json".repeat(60));
    let deep =
        "{% set x = [1] %}{% for i in range(end=100000) %}{% set_global x = [x] %}{% endfor %}";
    let chain = format!(
        "{{% if node.name == 0 %}}{}{{% endif %}}",
        "{% elif node.name == 1 %}x".repeat(100_000)
    );
    let nested = format!(
        "{}{}",
        "{% if node.name %}".repeat(100_000),
        "{% endif %}".repeat(100_000)
    );
    let brackets = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
    let signs = format!("{{{{ {}1 }}}}", "-".repeat(100_000));
    let operands = format!("{{{{ 1{} }}}}", " + 1".repeat(100_000));
    let filters = format!("{{{{ 1{} }}}}", " | str".repeat(100_000));
    let fields = format!("{{{{ node{} }}}}", ".a".repeat(100_000));
    for (what, template, line, said) in [
        ("concat", &*concat, 20..22, "a value has more than 1 MiB"),
        ("global", &global, 20..22, "a value has more than 1 MiB"),
        ("captured", &captured, 20..22, "a value has more than 1 MiB"),
        ("lists", &lists, 14..20, "a value has more than 1 MiB"),
        ("spread", &spread, 14..20, "a value has more than 1 MiB"),
        ("maps", &maps, 14..20, "a value has more than 1 MiB"),
        ("replaced", &replaced, 3..12, "a value has more than 1 MiB"),
        ("chained", &chained, 1..2, "a value has more than 1 MiB"),
        ("encoded", &encoded, 1..2, "a value has more than 1 MiB"),
        ("json", &json, 1..2, "a value has more than 1 MiB"),
        ("deep", deep, 1..2, "a value is more than 64 lists deep"),
        ("chain", &chain, 1..2, "more than 200 `elif`"),
        ("nested", &nested, 1..2, "template: "),
        ("brackets", &brackets, 1..2, "template: "),
        ("signs", &signs, 1..2, "template: "),
        ("operands", &operands, 1..2, "template: "),
        ("filters", &filters, 1..2, "template: "),
        ("fields", &fields, 1..2, "template: "),
        (
            "loops",
            "a\n{% for x in range(end=100000) %}\n {% for y in range(end=100000) %}{% endfor %}{% endfor %}",
            3..4,
            "takes too many steps",
        ),
        (
            "text in loops",
            "{% for c in vars.long %}{% for d in vars.long %}{{ c }}{% endfor %}{% endfor %}",
            1..2,
            "takes too many steps",
        ),
        (
            "in a condition",
            "{% if [x for x in [y for y in vars.long]] == 1 %}{% endif %}",
            1..2,
            "takes too many steps",
        ),
        (
            "comprehension",
            "{{ [[y ~ vars.long for y in range(end=1000)] for x in range(end=100000)] | length }}",
            1..2,
            "takes too many steps",
        ),
        (
            "output",
            "{% for x in range(end=1000) %}{{ vars.long }}{% endfor %}",
            1..2,
            "makes a text of more than 16 MiB",
        ),
        (
            "captured output",
            "{% filter upper %}\n{% for x in range(end=1000) %}{{ vars.long }}{% endfor %}{% endfilter %}",
            2..3,
            "a value has more than 1 MiB",
        ),
        (
            "appended",
            "{% set x = \"\" %}{% for i in range(end=100000) %}\n{% set_global x = x ~ \"0123456789\" %}{% endfor %}",
            2..3,
            "have more than 64 MiB together",
        ),
        (
            "range",
            "{% for x in range(end=1000000000) %}{% endfor %}",
            1..2,
            "range",
        ),
        (
            "indent",
            "{{ vars.long | split(pat=\"\") | join(sep=\"\n\") | indent(width=1000) }}",
            1..2,
            "takes too many steps",
        ),
        (
            "split",
            "{{ vars.long | split(pat=\"\") | length }}",
            1..2,
            "takes too many steps",
        ),
        (
            "unique",
            "{{ range(end=100000) | unique | length }}",
            1..2,
            "`unique` takes at most",
        ),
        (
            "long in a loop",
            "{% for x in range(end=100000) %}{% if vars.long ~ x == vars.long ~ vars.long %}{% endif %}{% endfor %}",
            1..2,
            "takes too many steps",
        ),
        (
            "include",
            "a\n {% include \"0\" %}",
            2..3,
            "`include` cannot be used",
        ),
        (
            "component",
            "\n\n{%- component f() %}{{ <f/> }}{{ <f/> }}{% endcomponent f %}{{ <f/> }}",
            3..4,
            "`component` cannot be used",
        ),
        (
            "inheritance",
            "{% extends \"0\" %}",
            1..2,
            "`extends` cannot be used",
        ),
        (
            "block",
            "{% block a %}{% endblock %}",
            1..2,
            "`block` cannot be used",
        ),
    ] {
        let project = project(template);
        let begun = Instant::now();
        let (output, peak) = project.command(&["check"]).run_with_peak();
        let took = begun.elapsed();
        let found = text(&output.stdout);
        assert_eq!(
            output.status.code(),
            Some(3),
            "{what}: {found}{}",
            text(&output.stderr)
        );
        let finding: Vec<&str> = found
            .lines()
            .filter(|line| line.contains("bomb.tera"))
            .collect();
        assert_eq!(finding.len(), 1, "{what}: {found}");
        assert!(finding[0].contains(said), "{what}: {found}");
        let place = finding[0].split("bomb.tera:").nth(1).unwrap();
        let at: u32 = place.split(':').next().unwrap().parse().unwrap();
        assert!(line.contains(&at), "{what}: {found}");
        assert!(!found.contains("__"), "{what}: {found}");
        assert!(took < SECONDS, "{what}: {took:?}");
        assert!(peak < PEAK, "{what}: {} MiB", peak >> 20);
    }
}

/// What large clusters need is far within the bounds.
#[test]
fn templates_that_do_much_are_rendered() {
    let hosts = "{% for i in range(end=10000) %}10.0.{{ i // 250 }}.{{ i % 250 }} node-{{ i }}.example.com node-{{ i }}\n{% endfor %}";
    let collected = "{% set all = [\"n\" ~ i for i in range(end=5000) if i is odd] %}{{ all | join(sep=\" \") }}";
    let captured = "{% set x %}{% for i in range(end=1000) %}{{ i }},{% endfor %}{% endset %}{{ x | length }} {{ vars.long | length }}";
    for (template, wanted) in [(hosts, 10_000), (collected, 1), (captured, 1)] {
        let project = project(template);
        let made = project.good(&["show", "zhangjun-k8s-02", "--file", "/etc/bomb"]);
        assert_eq!(made.lines().count(), wanted, "{made}");
    }
}

/// Within a template that is rewritten, places are those of the file.
#[test]
fn mistakes_in_templates_with_loops_are_where_they_are() {
    for (template, place) in [
        (
            "{% for x in [1] %}{% set y = x %}{{ y.nothing.more }}{% endfor %}",
            "1:39: ",
        ),
        ("{% for x in vars.nothing %}{% endfor %}", "1:13: "),
        (
            "a\n{% for x in node.name | nothing %}{% endfor %}",
            "2:25: ",
        ),
        (
            "a\n{% for x in [1] %}{{ 1 + node.name }}{% endfor %}",
            "2:22: ",
        ),
        ("{% set x = 1 ~ %}", "1:16: "),
        ("{% for x in %}{% endfor %}", "1:13: "),
        (
            "{% set x %}{{ node.name }}{{ node.name.a.b }}{% endset %}",
            "1:40: ",
        ),
    ] {
        let project = project(template);
        let found = text(&project.run(&["check"]).stdout);
        assert!(
            found.contains(&format!("bomb.tera:{place}")),
            "{template}: {found}"
        );
        assert!(!found.contains("__"), "{template}: {found}");
    }
}
