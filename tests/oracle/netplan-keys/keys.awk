# netplan's tables of keys (arrays of mapping_entry_handler in src/parse.c) as lines of table, key, type of the value, handler. What several
# tables share is in macros, and a table that uses one has a line with an @ and the macro's name.
/^#define [A-Z_]+_HANDLERS/ { table = $2; sub(/\(.*$/, "", table); macro = 1 }
/mapping_entry_handler [a-z0-9_]+_handlers\[\]/ {
    match($0, /[a-z0-9_]+_handlers\[/)
    table = substr($0, RSTART, RLENGTH - 1)
    sub(/_handlers$/, "", table)
    macro = 0
}
/^};/ { table = "" }
table != "" {
    line = $0
    if (match(line, /^[ \t]*\{"[^"]+",/)) {
        key = line
        sub(/^[ \t]*\{"/, "", key)
        sub(/".*$/, "", key)
        type = line
        sub(/^[^,]*, */, "", type)
        sub(/,.*$/, "", type)
        sub(/^YAML_/, "", type)
        sub(/_NODE$/, "", type)
        handler = line
        sub(/^[^,]*,[^,]*, */, "", handler)
        if (match(handler, /(handle_[a-z0-9_]+|[a-z0-9_]+_handlers)/)) handler = substr(handler, RSTART, RLENGTH)
        sub(/^handle_/, "", handler)
        sub(/_handlers$/, "", handler)
        print table "\t" key "\t" tolower(type) "\t" handler
        if (macro && $0 !~ /\\$/) table = ""
    } else if (match(line, /^[ \t]*[A-Z_]+_HANDLERS/)) {
        name = line
        gsub(/[ \t]/, "", name)
        sub(/[(,].*$/, "", name)
        print table "\t@" name "\t\t"
    }
}
