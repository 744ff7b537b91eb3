"""Waits until the interfaces lan0 and lan1 stay as they are, and prints their state as JSON: state.py networkd|NetworkManager

Addresses but the link-local ones, routes with a gateway, DNS, MTU, and whether each family works at all. Routes to an interface's own network are left
out: their metrics are each manager's own, and nothing depends on them.
"""

import json
import subprocess
import sys
import time

manager = sys.argv[1]
LINKS = ["lan0", "lan1"]


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


def is_done():
    if manager == "networkd":
        for link in LINKS:
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
    return all(f"{link}:activated" in active for link in LINKS)


def state():
    found = {}
    for link in LINKS:
        [data] = ip("addr", "show", "dev", link)
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
    routes = []
    for family in ["-4", "-6"]:
        for route in ip(family, "route", "show", "table", "main"):
            if "gateway" not in route or route["dev"] not in LINKS:
                continue
            # A router's link-local address is another one at each run.
            via = "fe80::" if route.get("protocol") == "ra" else route["gateway"]
            onlink = "onlink" in route.get("flags", [])
            routes.append([route["dst"], via, route["dev"], route.get("metric", 0), onlink])
    found["routes"] = sorted(routes)
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
