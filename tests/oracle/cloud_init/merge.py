"""Puts parts of user-data together with cloud-init's own code, as it does with a multi-part document: merge.py OUT PART...

OUT is the one #cloud-config document that the modules then read.
"""

import sys

from cloudinit import handlers
from cloudinit.handlers.cloud_config import CloudConfigPartHandler


class Paths:
    def get_ipath(self, _name):
        return sys.argv[1]


handler = CloudConfigPartHandler(Paths())
handler.handle_part(None, handlers.CONTENT_START, None, None, None, None)
for name in sys.argv[2:]:
    with open(name) as file:
        payload = file.read()
    assert handlers.type_from_starts_with(payload) == "text/cloud-config", name
    handler.handle_part(None, "text/cloud-config", name, payload, "always", {})
handler.handle_part(None, handlers.CONTENT_END, None, None, None, None)
