"""Reads a network-config with cloud-init's own code and prints what its networkd renderer makes of it: network.py FILE"""

import json
import sys

import yaml
from cloudinit.net import network_state, networkd

with open(sys.argv[1]) as file:
    config = yaml.safe_load(file)
state = network_state.parse_net_config_data(config, skip_broken=False)
print(json.dumps(networkd.Renderer({})._render_content(state)))
