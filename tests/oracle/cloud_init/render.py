"""Renders a network-config with cloud-init's own code: render.py RENDERER FILE FOLDER

RENDERER is networkd, network_manager, netplan or sysconfig. FOLDER is the root below which it writes.
"""

import copy
import importlib
import inspect
import sys

import yaml

# Older releases import in a circle unless this one comes first.
import cloudinit.distros  # noqa: F401
from cloudinit import util
from cloudinit.net import network_state

# Users of the image.
util.chownbyname = lambda *_, **__: None

chosen = importlib.import_module(f"cloudinit.net.{sys.argv[1]}")
with open(sys.argv[2], encoding="utf-8") as file:
    config = yaml.safe_load(file)
settings = {}
if sys.argv[1] == "sysconfig":
    from cloudinit.distros import rhel

    settings = rhel.Distro.renderer_configs["sysconfig"]
if sys.argv[1] == "netplan":
    settings = {"netplan_path": "etc/netplan/50-cloud-init.yaml", "postcmds": False}
renderer = chosen.Renderer(settings)
parse = network_state.parse_net_config_data
# Since 22.3 it hands a document to netplan as it is.
more = {"renderer": renderer} if "renderer" in inspect.signature(parse).parameters else {}
state = parse(copy.deepcopy(config), skip_broken=False, **more)
renderer.render_network_state(state, target=sys.argv[3])
