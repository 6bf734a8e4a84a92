"""A client for the tests that repeats calls as the published service config says, on the library of others.

usage: grpc_retries.py ADDRESS ENDPOINT CONTRACT CONFIG TOKEN

ENDPOINT is that of Node_01, CONTRACT is the directory of the contract, CONFIG the file of the service config, TOKEN one of an admin. A
segment is stored while the node does not run, which is started once the call has begun. Prints what it has found as JSON.
"""

import json
import pathlib
import sys
import tempfile

import grpc

from grpc_stubs import refused, stubs

address, endpoint, contract, config, token = sys.argv[1:]
me = [("authorization", f"Bearer {token}")]
# Time for a call, in seconds.
WITHIN = 120
# A connection is tried anew before the next attempt of a call.
OFTEN = [("grpc.initial_reconnect_backoff_ms", 200), ("grpc.max_reconnect_backoff_ms", 500)]


def storage(options):
    """Connects to the endpoint, with these options of the channel."""
    return services.FileStorageServiceStub(grpc.insecure_channel(endpoint, options=OFTEN + options))


with tempfile.TemporaryDirectory() as directory, grpc.insecure_channel(address) as channel:
    m, services = stubs(contract, directory, "storage")
    a, admins = stubs(contract, directory, "admin")
    admin = admins.AdminServiceStub(channel)
    once = storage([("grpc.enable_retries", 0)])
    again = storage([("grpc.service_config", pathlib.Path(config).read_text())])
    found = {"before": len(again.StoreSegment(m.StoreSegmentRequest(data=b"first"), metadata=me, timeout=WITHIN).sha256)}
    admin.KillNode(a.KillNodeRequest(node=1), metadata=me, timeout=WITHIN)
    wanted = m.StoreSegmentRequest(data=b"second")
    found["once"] = refused(lambda: once.StoreSegment(wanted, metadata=me, timeout=WITHIN))
    storing = again.StoreSegment.future(wanted, metadata=me, timeout=WITHIN)
    admin.StartNode(a.StartNodeRequest(node=1), metadata=me, timeout=WITHIN)
    found["again"] = len(storing.result().sha256)
    # An error that is no passing one is not repeated.
    found["wrong"] = refused(lambda: again.StoreSegment(m.StoreSegmentRequest(), metadata=me, timeout=WITHIN))[0]
    print(json.dumps(found))
