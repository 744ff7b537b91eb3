"""Applies user-data with cloud-init's own code: apply.py USER_DATA [write_files].

Without a second argument prints the files as JSON (path, permissions, content in base64), and writes nothing.
With `bootcmd` it prints the script that bootcmd makes.
With `write_files` it writes them and makes the users, so run it in a chroot; then it prints the script that runcmd makes.
"""

import base64
import json
import logging
import sys

from cloudinit import helpers, util
from cloudinit.config import cc_users_groups, cc_write_files
from cloudinit.distros import debian


class Cloud:
    # Without a default user, whom the image's configuration would name.
    distro = debian.Distro("debian", {}, helpers.Paths({}))

    def get_public_ssh_keys(self):
        return []


with open(sys.argv[1], "rb") as file:
    text = util.decomp_gzip(file.read(), decode=False)
assert text.startswith(b"#cloud-config\n")
config = util.load_yaml(text)
files = config.get("write_files", [])
if sys.argv[2:] == ["bootcmd"]:
    print(util.shellify(config.get("bootcmd", [])))
elif len(sys.argv) > 2:
    log = logging.getLogger()
    if files:
        cc_write_files.handle("write_files", config, Cloud(), log, [])
    if "users" in config:
        assert config["users"][0] == "default"
        cc_users_groups.handle("users-groups", config, Cloud(), log, [])
    print(util.shellify(config.get("runcmd", [])))
else:
    listed = []
    for item in files:
        extractions = cc_write_files.canonicalize_extraction(item.get("encoding"))
        content = cc_write_files.extract_contents(item["content"], extractions)
        if isinstance(content, str):
            content = content.encode()
        listed.append(
            {
                "path": item["path"],
                "permissions": item["permissions"],
                "content": base64.b64encode(content).decode(),
            }
        )
    print(json.dumps(listed))
