"""Decodes the files of an Ignition configuration and checks their hashes: decode.py CONFIG

Prints JSON: path to content in base64. Data URLs are read by urllib, compression by gzip.
"""

import base64
import gzip
import hashlib
import json
import sys
from urllib.request import urlopen

with open(sys.argv[1], "rb") as file:
    config = json.load(file)
decoded = {}
for item in config["storage"]["files"]:
    contents = item["contents"]
    data = urlopen(contents["source"]).read()
    if contents["compression"] == "gzip":
        data = gzip.decompress(data)
    else:
        assert contents["compression"] == "", item["path"]
    kind, digest = contents["verification"]["hash"].split("-")
    assert digest == hashlib.new(kind, data).hexdigest(), item["path"]
    decoded[item["path"]] = base64.b64encode(data).decode()
print(json.dumps(decoded))
