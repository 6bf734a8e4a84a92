"""Uploads a file by tuspy in pieces with checksums: the first piece by one client, and the rest by another that goes on.

Called as `tus_upload.py URL TOKEN FILE`; prints the offsets and the target as JSON.
"""

import json
import os
import sys

from tusclient import client

url, token, path = sys.argv[1:]
tus = client.TusClient(url, headers={"Authorization": f"Bearer {token}"})
common = {"chunk_size": 1_000_000, "upload_checksum": True, "metadata": {"filename": "from-python.bin"}}
first = tus.uploader(path, **common)
first.upload_chunk()
offsets = [first.offset]
second = tus.uploader(path, url=first.url, **common)
assert second.offset == first.offset, (second.offset, first.offset)
second.upload()
offsets.append(second.offset)
assert second.offset == os.path.getsize(path)
print(json.dumps({"offsets": offsets, "location": second.url}))
