"""Waits until the interfaces lan0, lan1 and those above them stay as they are, and prints their state as JSON: state.py
networkd|NetworkManager

Addresses but the link-local ones, routes with a gateway, DNS, MTU, and whether each family works at all. Routes to an interface's own network are left
out: their metrics are each manager's own, and nothing depends on them. What few have is there where they have it: a routing table, rules, a bridge.
"""

import json
import os
import subprocess
import sys
import time

manager = sys.argv[1]
PORTS = ["lan0", "lan1"]
BRIDGE = "br0"
# The kernel's own rules.
KERNELS = [0, 32766, 32767]


def links():
    return PORTS + [BRIDGE] * exists(BRIDGE)


def exists(link):
    return os.path.exists(f"/sys/class/net/{link}")


def said(*words):
    return subprocess.run(words, capture_output=True, text=True, check=False).stdout


def ip(*words):
    return json.loads(said("ip", "-j", *words) or "[]")


def setting(path):
    with open(f"/proc/sys/net/{path}", encoding="ascii") as file:
        return int(file.read())


def resolvers(link):
    """Servers and domains, as the manager publishes them."""
    if manager == "networkd":
        lines = {}
        with open(f"/sys/class/net/{link}/ifindex", encoding="ascii") as file:
            index = file.read().strip()
        with open(f"/run/systemd/netif/links/{index}", encoding="utf-8") as file:
            for line in file:
                key, equals, value = line.strip().partition("=")
                if equals:
                    lines[key] = value.split()
        return sorted(lines.get("DNS", [])), sorted(lines.get("DOMAINS", []))
    servers, domains = set(), set()
    for line in said("nmcli-offline", "-t", "-e", "no", "-f", "all", "dev", "show", link).splitlines():
        key, _, value = line.partition(":")
        if ".DNS[" in key:
            servers.add(value)
        # What follows is the search list of either family.
        if ".SEARCHES[" in key or ".DOMAIN[" in key:
            domains.add(value)
    return sorted(servers), sorted(domains)


def net(rule, side):
    return f"{rule[side]}/{rule[side + 'len']}" if side + "len" in rule else rule.get(side, "all")


def is_done():
    if manager == "networkd":
        for link in links():
            try:
                with open(f"/sys/class/net/{link}/ifindex", encoding="ascii") as file:
                    index = file.read().strip()
                with open(f"/run/systemd/netif/links/{index}", encoding="utf-8") as file:
                    if "ADMIN_STATE=configured" not in file.read():
                        return False
            except OSError:
                return False
        return True
    active = said("nmcli-offline", "-t", "-f", "DEVICE,STATE", "connection").splitlines()
    return all(f"{link}:activated" in active for link in links())


def state():
    found = {}
    for link in links():
        [data] = ip("-d", "addr", "show", "dev", link)
        addresses = [f"{one['local']}/{one['prefixlen']}" for one in data["addr_info"] if not one["local"].startswith("fe80:")]
        servers, domains = resolvers(link)
        found[link] = {
            "addresses": sorted(addresses),
            "linkLocal": any(one["local"].startswith("fe80:") for one in data["addr_info"]),
            "mtu": data["mtu"],
            "dns": servers,
            "domains": domains,
            "privacy": max(0, setting(f"ipv6/conf/{link}/use_tempaddr")),
        }
        if "master" in data:
            found[link]["master"] = data["master"]
        options = data.get("linkinfo", {}).get("info_data", {})
        if link == BRIDGE:
            found[link]["bridge"] = {key: options[key] for key in ["stp_state", "forward_delay"]}
            found[link]["mac"] = data["address"]
    routes = []
    for family in ["-4", "-6"]:
        for route in ip(family, "route", "show", "table", "all"):
            if "gateway" not in route or route["dev"] not in links():
                continue
            # A router's link-local address is another one at each run.
            via = "fe80::" if route.get("protocol") == "ra" else route["gateway"]
            onlink = "onlink" in route.get("flags", [])
            table = [route["table"]] if "table" in route else []
            routes.append([route["dst"], via, route["dev"], route.get("metric", 0), onlink, *table])
    found["routes"] = sorted(routes)
    rules = [rule for family in ["-4", "-6"] for rule in ip(family, "rule", "show") if rule["priority"] not in KERNELS]
    if rules:
        found["rules"] = sorted(f"{rule['priority']} {net(rule, 'src')} {net(rule, 'dst')} {rule['table']}" for rule in rules)
    return found


last, since = None, time.monotonic()
begin = since
while time.monotonic() - begin < 90:
    time.sleep(0.25)
    if not is_done():
        continue
    now = state()
    if now != last:
        last, since = now, time.monotonic()
    elif time.monotonic() - since > 4:
        break
else:
    print("not configured in time:", last, said("ip", "-br", "addr"), file=sys.stderr)
    sys.exit(1)
print(json.dumps(last, sort_keys=True))
