"""Renders network-configs by every renderer of one cloud-init: render_all.py FILE…

Prints JSON: per file and renderer the text of all files that it writes, or null where there is no such renderer, or it fails over the document.
"""

import copy
import importlib
import inspect
import json
import os
import sys
import tempfile

import yaml

# Older releases import in a circle unless this one comes first.
import cloudinit.distros  # noqa: F401
from cloudinit import util
from cloudinit.distros import rhel
from cloudinit.net import network_state

# Users of the image.
util.chownbyname = lambda *_, **__: None

SETTINGS = {
    "netplan": {"netplan_path": "etc/netplan/50-cloud-init.yaml", "postcmds": False},
    "networkd": {},
    "network_manager": {},
    "sysconfig": rhel.Distro.renderer_configs["sysconfig"],
    "eni": {"eni_path": "etc/network/interfaces"},
}


def written(folder):
    texts = []
    for parent, _, names in sorted(os.walk(folder)):
        for name in sorted(names):
            with open(os.path.join(parent, name), encoding="utf-8") as file:
                texts.append(file.read())
    return "\n".join(texts)


def rendered(name, config):
    try:
        module = importlib.import_module(f"cloudinit.net.{name}")
    except ImportError:
        return None
    renderer = module.Renderer(SETTINGS[name])
    parse = network_state.parse_net_config_data
    more = {"renderer": renderer} if "renderer" in inspect.signature(parse).parameters else {}
    with tempfile.TemporaryDirectory() as folder:
        try:
            state = parse(copy.deepcopy(config), skip_broken=False, **more)
            renderer.render_network_state(state, target=folder)
        # Whatever it is, cloud-init logs it and writes no network.
        except Exception as error:  # pylint: disable=broad-except
            print(f"{name}: {type(error).__name__} {error}", file=sys.stderr)
            return None
        return written(folder)


found = {}
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as file:
        document = yaml.safe_load(file)
    found[path] = {name: rendered(name, document) for name in SETTINGS}
print(json.dumps(found))
