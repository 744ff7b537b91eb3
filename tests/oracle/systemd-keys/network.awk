# Tables of systemd's network programs (src/network/networkd-network-gperf.gperf, src/network/netdev/netdev-gperf.gperf,
# src/udev/net/link-config-gperf.gperf) as lines of kind of file, section, key and parser. Keys that are read and ignored are left out.
/^[A-Z][A-Za-z0-9-]*\.[A-Za-z0-9-]+,/ {
    split($0, parts, /,[ \t]*/)
    parser = parts[2]
    sub(/^config_parse_/, "", parser)
    if (parser == "warn_compat") next
    dot = index(parts[1], ".")
    print kind "\t" substr(parts[1], 1, dot - 1) "\t" substr(parts[1], dot + 1) "\t" parser
}
