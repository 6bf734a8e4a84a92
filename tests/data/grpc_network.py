"""A client of the network and of its nodes for the tests, on the library of others, with stubs that it generates from the contract.

usage: grpc_network.py ADDRESS FIRST SECOND CONTRACT TOKEN

FIRST and SECOND are the endpoints of the first two nodes, CONTRACT is the directory of the contract, TOKEN one of an admin. Prints what it
has found as JSON.
"""

import hashlib
import json
import random
import sys
import tempfile

import grpc
from google.protobuf import duration_pb2, empty_pb2

from grpc_stubs import refused, stubs

address, first_address, second_address, contract, token = sys.argv[1:]
me = [("authorization", f"Bearer {token}")]
# Time for a call, in seconds, and for what comes true by itself.
WITHIN = 30


def call(method, request):
    return method(request, metadata=me, timeout=WITHIN)


def seconds(span):
    return span.seconds + span.nanos / 1e9


def administer(a, admin):
    """Asks and changes the network, and takes everything back."""
    found = {}
    nodes = call(admin.ListNodes, a.ListNodesRequest()).nodes
    found["nodes"] = [node.name for node in nodes]
    one = call(admin.GetNode, a.GetNodeRequest(node=1))
    found["node"] = [one.node.number, len(one.faults), one.links.host.node]
    client = a.Host(client=empty_pb2.Empty())
    hosts = call(admin.ListHosts, a.ListHostsRequest()).hosts
    found["hosts"] = [len(hosts), hosts[0].host.WhichOneof("host")]
    # A link and a path, which are found again among the faults.
    change = a.LinkChange(bits_per_second=1_000_000, queue_packets=7)
    call(admin.SetLink, a.SetLinkRequest(host=client, direction=a.LINK_DIRECTION_UP, change=change))
    way = a.Way(to=a.Host(node=2))
    getattr(way, "from").CopyFrom(client)
    delay = duration_pb2.Duration(nanos=20_000_000)
    path = a.PathChange(delay=a.DelayRange(shortest=delay, longest=delay), loss_share=0.03)
    call(admin.SetPath, a.SetPathRequest(way=way, change=path))
    faults = call(admin.ListFaults, a.ListFaultsRequest()).faults
    found["faults"] = sorted(fault.WhichOneof("what") for fault in faults)
    up = call(admin.ListHosts, a.ListHostsRequest()).hosts[0].up
    found["link"] = [up.bits_per_second, up.queue_packets]
    changed = [fault.path.change for fault in faults if fault.WhichOneof("what") == "path"]
    found["path"] = [[seconds(change.delay.shortest), round(change.loss_share, 9)] for change in changed]
    # A process that is killed, and started again.
    call(admin.KillNode, a.KillNodeRequest(node=3))
    found["killed"] = call(admin.GetNode, a.GetNodeRequest(node=3)).node.state == a.PROCESS_STATE_STOPPED
    found["kill twice"] = refused(lambda: call(admin.KillNode, a.KillNodeRequest(node=3)))
    call(admin.StartNode, a.StartNodeRequest(node=3))
    found["started"] = call(admin.GetNode, a.GetNodeRequest(node=3)).node.state != a.PROCESS_STATE_STOPPED
    # Time that stands still, goes on by a step, and passes at another speed.
    paused = call(admin.Pause, a.PauseRequest()).status
    again = call(admin.GetStatus, a.GetStatusRequest()).status
    found["paused"] = [paused.is_paused, again.virtual_time == paused.virtual_time]
    stepped = call(admin.Step, a.StepRequest(span=duration_pb2.Duration(seconds=2))).status
    found["step"] = round(seconds(stepped.virtual_time) - seconds(paused.virtual_time), 6)
    speed = call(admin.SetSpeed, a.SetSpeedRequest(speed=a.Speed(factor=10))).status.speed
    found["speed"] = speed.factor
    found["resumed"] = call(admin.Resume, a.ResumeRequest()).status.is_paused
    found["step while time passes"] = refused(lambda: call(admin.Step, a.StepRequest()))
    taken_back = call(admin.Heal, a.HealRequest(everything=empty_pb2.Empty())).taken_back
    found["healed"] = len(taken_back)
    found["left"] = len(call(admin.ListFaults, a.ListFaultsRequest()).faults)
    found["no node"] = refused(lambda: call(admin.KillNode, a.KillNodeRequest(node=99)))
    found["stranger"] = refused(lambda: admin.ListNodes(a.ListNodesRequest(), timeout=WITHIN))
    return found


def store(s, node, other, admin):
    """Stores, fetches and deletes a segment on a node, which then is killed."""
    data = random.Random(7).randbytes(64 << 10)
    name = hashlib.sha256(data).digest()
    found = {}
    stored = call(node.StoreSegment, s.StoreSegmentRequest(data=data, sha256=name))
    found["stored"] = [stored.sha256 == name, stored.length, seconds(stored.virtual_time) > 0]
    fetched = call(node.RetrieveSegment, s.RetrieveSegmentRequest(sha256=name))
    found["retrieved"] = fetched.data == data
    found["elsewhere"] = refused(lambda: call(other.RetrieveSegment, s.RetrieveSegmentRequest(sha256=name)))
    wrong = s.StoreSegmentRequest(data=data, sha256=bytes(32))
    found["wrong"] = refused(lambda: call(node.StoreSegment, wrong))
    health = call(node.HealthCheck, s.HealthCheckRequest())
    found["health"] = [health.node, seconds(health.round_trip) > 0]
    info = call(node.GetNodeInfo, s.GetNodeInfoRequest())
    found["info"] = [info.name, info.segments, info.used_bytes >= len(data)]
    topology = call(node.GetNetworkTopology, s.GetNetworkTopologyRequest())
    found["topology"] = [host.name for host in topology.hosts]
    call(node.DeleteSegment, s.DeleteSegmentRequest(sha256=name))
    found["deleted"] = refused(lambda: call(node.RetrieveSegment, s.RetrieveSegmentRequest(sha256=name)))
    found["stranger"] = refused(lambda: node.HealthCheck(s.HealthCheckRequest(), timeout=WITHIN))
    a, services = admin
    call(services.KillNode, a.KillNodeRequest(node=1))
    found["killed"] = refused(lambda: node.HealthCheck(s.HealthCheckRequest(), metadata=me, timeout=3))[0]
    found["other"] = call(other.HealthCheck, s.HealthCheckRequest()).node
    call(services.StartNode, a.StartNodeRequest(node=1))
    back = node.HealthCheck(s.HealthCheckRequest(), metadata=me, timeout=WITHIN, wait_for_ready=True)
    found["back"] = back.node
    return found


with (
    tempfile.TemporaryDirectory() as directory,
    grpc.insecure_channel(address) as channel,
    grpc.insecure_channel(first_address) as first_channel,
    grpc.insecure_channel(second_address) as second_channel,
):
    a, a_services = stubs(contract, directory, "admin")
    s, s_services = stubs(contract, directory, "storage")
    admin = a_services.AdminServiceStub(channel)
    nodes = [s_services.FileStorageServiceStub(channel) for channel in (first_channel, second_channel)]
    print(json.dumps({"admin": administer(a, admin), "storage": store(s, *nodes, (a, admin))}))
