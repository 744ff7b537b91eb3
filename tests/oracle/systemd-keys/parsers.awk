# systemd's table of settings (load-fragment-gperf.gperf.in, before 249 .m4) as lines of section, key and parser; what is there for every
# type of unit is in macros. A setting that a build without a library ignores has a second line, which is left out.
function item(section, line,   parts, name, dot, parser, more) {
    split(line, parts, /,[ \t]*/)
    name = parts[1]
    parser = parts[2]
    more = parts[3]
    sub(/^config_parse_/, "", parser)
    sub(/[ \t)'].*$/, "", parser)
    if (parser == "warn_compat" || (section, name) in seen) return
    seen[section, name] = 1
    if (more !~ /^[A-Z]/) more = ""
    sub(/[ \t].*$/, "", more)
    print section "\t" name "\t" parser (more == "" ? "" : ":" more)
}
/macro [A-Z_]+\(type\)/ || /^m4_define\(`[A-Z_]+'/ {
    match($0, /[A-Z_]+_CONFIG_ITEMS/)
    macro = substr($0, RSTART, RLENGTH)
}
/endmacro/ || /^\)m4_dnl/ || /^'\)/ { macro = "" }
/_CONFIG_ITEMS\(['A-Z]/ && !/macro/ && !/m4_define/ {
    match($0, /[A-Z_]+_CONFIG_ITEMS/)
    name = substr($0, RSTART, RLENGTH)
    rest = substr($0, RSTART + RLENGTH + 1)
    gsub(/[^A-Za-z].*$/, "", rest)
    if (rest == "") { rest = substr($0, RSTART + RLENGTH + 2); sub(/[^A-Za-z].*$/, "", rest) }
    for (number = 1; number <= count[name]; number++) item(rest, items[name, number])
    next
}
{
    line = $0
    sub(/^[`'(, \t]+/, "", line)
    if (line ~ /^(\{\{type\}\}|\$1)\./) {
        sub(/^(\{\{type\}\}|\$1)\./, "", line)
        items[macro, ++count[macro]] = line
    } else if (line ~ /^[A-Z][A-Za-z]+\.[A-Za-z0-9]+,/) {
        section = line
        sub(/\..*$/, "", section)
        sub(/^[A-Za-z]+\./, "", line)
        item(section, line)
    }
}
