"""Takes user-data of several parts apart with cloud-init's own code: message.py USER_DATA OUT

OUT is the one #cloud-config document that its modules then read; the other parts are printed as JSON, by file name.
"""

import json
import sys

from cloudinit import handlers, helpers, user_data
from cloudinit.handlers.cloud_config import CloudConfigPartHandler


class Paths(helpers.Paths):
    def get_ipath(self, _name):
        return sys.argv[2]


others = {}
config = CloudConfigPartHandler(Paths({}))


def part(_data, filename, payload, headers):
    kind = headers["Content-Type"]
    if kind == "text/cloud-config":
        config.handle_part(None, kind, filename, payload, "always", headers)
    else:
        text = payload if isinstance(payload, str) else payload.decode()
        others[filename] = [kind, text]


with open(sys.argv[1], "rb") as file:
    blob = file.read()
config.handle_part(None, handlers.CONTENT_START, None, None, None, None)
message = user_data.UserDataProcessor(Paths({})).process(blob)
handlers.walk(message, part, data={})
config.handle_part(None, handlers.CONTENT_END, None, None, None, None)
print(json.dumps(others))
