# Words that systemd's parsers of one word take, from all files of its source: the name of a parser, "boolean" where yes and no are words
# too, and the words. A parser names a table of strings (DEFINE_CONFIG_PARSE_ENUM), and the table is in some file.
/DEFINE_CONFIG_PARSE_ENUM[A-Z_]*\(config_parse_/ {
    line = $0
    sub(/^.*\(config_parse_/, "", line)
    split(line, parts, /[,) \t]+/)
    parser[parts[1]] = parts[2]
}
/DEFINE_[A-Z_]*STRING_TABLE_LOOKUP[A-Z_]*WITH_BOOLEAN\(/ {
    line = $0
    sub(/^.*\(/, "", line)
    sub(/[,)].*$/, "", line)
    boolean[line] = 1
}
/^(static )?const char ?\* ?(const )?[a-z0-9_]+_table\[[^]]*\] = \{/ {
    match($0, /[a-z0-9_]+_table\[/)
    table = substr($0, RSTART, RLENGTH - 7)
}
table != "" {
    line = $0
    while (match(line, /= *"[^"]*"/)) {
        word = substr(line, RSTART, RLENGTH)
        line = substr(line, RSTART + RLENGTH)
        gsub(/^= *"|"$/, "", word)
        words[table] = words[table] " " word
    }
    if ($0 ~ /^};/) table = ""
}
END {
    for (name in parser) {
        of = parser[name]
        sub(/_(from_string_harder|or_bool)$/, "", of)
        if (words[of] != "") print name "\t" (boolean[of] || parser[name] ~ /or_bool/ ? "boolean" : "") words[of]
    }
}
