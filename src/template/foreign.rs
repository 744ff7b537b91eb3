//! Templates in the language of another tool: Go's, which Helm and kubeadm users know, has the same braces.

/// What begins an action of Go's templates and no expression of Tera's (text/template, "Actions"; Helm's functions).
const GO_WORDS: [&str; 14] = [
    "block", "break", "continue", "define", "else", "end", "if", "include", "printf", "range",
    "template", "toYaml", "tpl", "with",
];

/// What to do with a template that asks for a token, or is written for another tool.
pub(super) fn repair(text: &str) -> Option<&'static str> {
    let actions = text.match_indices("{{").map(|(at, _)| &text[at + 2..]);
    let mut actions = actions.map(|action| action.trim_start_matches('-').trim_start());
    let is_go = |action: &str| {
        let field = action.strip_prefix(['.', '$']);
        let word = action.split(|c: char| !c.is_ascii_alphanumeric()).next();
        // A function or a variable of Tera's may have such a name too.
        let is_tera = |word: &str| {
            let rest = &action[word.len()..];
            rest.starts_with(['(', '.', '[']) || rest.trim_start().starts_with('|')
        };
        field.is_some_and(|rest| {
            rest.starts_with(|c: char| c.is_ascii_alphabetic() || " }".contains(c))
        }) || word.is_some_and(|word| GO_WORDS.contains(&word) && !is_tera(word))
    };
    let go = "templates are Tera, which is like Jinja, not Go: write {{ node.name }}, and {% if … %} … {% endif %}";
    let token = "node.token is known in templates of files with `secret: true`, for nodes that join with a bootstrap token";
    if actions.any(is_go) {
        Some(go)
    } else {
        text.contains("node.token").then_some(token)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn go_is_told_from_tera() {
        for text in [
            "{{ .Node.Name }}",
            "{{.name}}",
            "{{- .Values.x -}}",
            "{{ $x }}",
            "{{ . }}",
            "a {{ if .x }}b{{ end }}",
            "{{ range .items }}{{ . }}{{ end }}",
            "{{ include \"chart.labels\" . | nindent 4 }}",
            "{{ printf \"%s\" .x }}",
            "{{ with .x }}",
        ] {
            assert!(repair(text).is_some(), "{text}");
        }
        for text in [
            "{{ node.name }}",
            "{{ vars['x'] | default(value='.y') }}",
            "{% if x %}{{ y }}{% endif %}",
            "{{ end.of }}",
            "{{ range(end=3) }}",
            "{{ 'x' }}",
            "{{ -1 }}",
            "no template",
            "{{",
        ] {
            assert!(repair(text).is_none(), "{text}");
        }
    }
}
