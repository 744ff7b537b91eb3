"""Renders a network-config with cloud-init's own code: render.py RENDERER FILE FOLDER

RENDERER is networkd, network_manager, netplan or sysconfig. FOLDER is the root below which it writes.
"""

import copy
import sys

import yaml

# Older releases import in a circle unless this one comes first.
import cloudinit.distros  # noqa: F401
from cloudinit import util
from cloudinit.net import netplan, network_manager, network_state, networkd, sysconfig

# Users of the image.
util.chownbyname = lambda *_, **__: None

renderers = {"networkd": networkd, "network_manager": network_manager, "netplan": netplan, "sysconfig": sysconfig}
chosen = renderers[sys.argv[1]]
with open(sys.argv[2], encoding="utf-8") as file:
    config = yaml.safe_load(file)
settings = {}
if sys.argv[1] == "sysconfig":
    from cloudinit.distros import rhel

    settings = rhel.Distro.renderer_configs["sysconfig"]
if sys.argv[1] == "netplan":
    settings = {"netplan_path": "etc/netplan/50-cloud-init.yaml", "postcmds": False}
renderer = chosen.Renderer(settings)
state = network_state.parse_net_config_data(copy.deepcopy(config), skip_broken=False, renderer=renderer)
renderer.render_network_state(state, target=sys.argv[3])
