"""Reads a network-config with cloud-init's own code and prints what its renderers make of it: network.py FILE

The answer has an entry for each interface of its networkd renderer, and `interfaces(5)` as its ifupdown renderer has it.
"""

import json
import sys

import yaml
from cloudinit.net import eni, network_state, networkd

with open(sys.argv[1]) as file:
    config = yaml.safe_load(file)
state = network_state.parse_net_config_data(config, skip_broken=False)
made = networkd.Renderer({})._render_content(state)
made["interfaces(5)"] = eni.Renderer({})._render_interfaces(state)
print(json.dumps(made))
