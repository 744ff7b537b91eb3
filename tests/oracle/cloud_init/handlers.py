"""Gives user-data to cloud-init's own handlers: handlers.py USER_DATA

Prints as JSON what they warn of, and the files that they keep below their folder, by path.
"""

import json
import logging
import os
import sys
import tempfile

from cloudinit import handlers, helpers, user_data
from cloudinit.handlers.cloud_config import CloudConfigPartHandler
from cloudinit.handlers.jinja_template import JinjaTemplatePartHandler
from cloudinit.handlers.shell_script import ShellScriptPartHandler
from cloudinit.settings import PER_ALWAYS, PER_INSTANCE, PER_ONCE

warned = []


class Warned(logging.Handler):
    def emit(self, record):
        warned.append(record.getMessage())


logging.getLogger().addHandler(Warned(level=logging.WARNING))
folder = tempfile.mkdtemp()


class Source:
    def get_instance_id(self):
        return "i-1"


paths = helpers.Paths(
    {"cloud_dir": folder + "/cloud", "run_dir": folder + "/run"}, ds=Source()
)
for name in ["cloud/instances/i-1/scripts", "cloud/instances/i-1/handlers", "run"]:
    os.makedirs(os.path.join(folder, name))
os.symlink(folder + "/cloud/instances/i-1", folder + "/cloud/instance")
for name in ["instance-data.json", "instance-data-sensitive.json"]:
    with open(os.path.join(folder, "run", name), "w") as file:
        json.dump({"v1": {"local_hostname": "edge"}}, file)
config = CloudConfigPartHandler(paths)
script = ShellScriptPartHandler(paths)
all_of_them = [
    config,
    script,
    JinjaTemplatePartHandler(paths, sub_handlers=[config, script]),
]
try:
    from cloudinit.handlers.shell_script_by_frequency import (
        ShellScriptByFreqPartHandler,
    )

    for often in [PER_ALWAYS, PER_INSTANCE, PER_ONCE]:
        all_of_them.append(ShellScriptByFreqPartHandler(often, paths))
except ImportError:
    pass
known = helpers.ContentHandlers()
for handler in all_of_them:
    known.register(handler)
data = {
    "handlers": known,
    "handlerdir": folder + "/cloud/instances/i-1/handlers",
    "data": None,
    "frequency": PER_INSTANCE,
    "handlercount": 0,
    "excluded": [],
}
sys.path.insert(0, data["handlerdir"])
with open(sys.argv[1], "rb") as file:
    message = user_data.UserDataProcessor(paths).process(file.read())
for handler in all_of_them:
    handlers.call_begin(handler, None, PER_INSTANCE)
handlers.walk(message, handlers.walker_callback, data)
for handler in all_of_them:
    handlers.call_end(handler, None, PER_INSTANCE)
kept = {}
for place, _, names in os.walk(folder + "/cloud"):
    for name in names:
        path = os.path.join(place, name)
        if "__pycache__" not in path:
            with open(path) as file:
                kept[os.path.relpath(path, folder)] = file.read()
print(json.dumps({"warned": warned, "kept": kept}))
