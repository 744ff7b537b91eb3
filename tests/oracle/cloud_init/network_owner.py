"""Says who configures the network where a file is in /etc/cloud/cloud.cfg.d: network_owner.py FILE

`nobody` where cloud-init leaves it alone, else the source that it takes its configuration from.
"""

import sys

from cloudinit import stages, util

init = stages.Init()
init._cfg = util.read_conf(sys.argv[1])
config, source = init._find_networking_config()
print("nobody" if config is None else source)
