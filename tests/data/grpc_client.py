"""A gRPC client for the tests, on the library of others, with stubs that it generates from the contract.

usage: grpc_client.py ADDRESS CONTRACT SETUP_TOKEN PASSWORD

CONTRACT is the directory of the contract. Prints what it has found as JSON.
"""

import json
import sys
import tempfile

import grpc
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

from grpc_stubs import stubs

address, contract, setup_token, password = sys.argv[1:]


def refused(call):
    """Gives the code, the reason, and the seconds to wait of a call that is refused."""
    try:
        call()
    except grpc.RpcError as error:
        found = {"code": error.code().name}
        status = rpc_status.from_call(error)
        for detail in status.details if status else []:
            info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
            if detail.Unpack(info):
                found["reason"] = f"{info.domain}/{info.reason}"
            if detail.Unpack(retry):
                found["waits"] = retry.retry_delay.seconds > 0
        return found
    return None


with tempfile.TemporaryDirectory() as directory, grpc.insecure_channel(address) as channel:
    messages, services = stubs(contract, directory, "accounts")
    auth = services.AuthServiceStub(channel)
    found = {}
    health = health_pb2_grpc.HealthStub(channel)
    found["health"] = health.Check(health_pb2.HealthCheckRequest(service="p2p.v1.AuthService")).status
    reflected = ProtoReflectionDescriptorDatabase(channel)
    found["services"] = sorted(reflected.get_services())
    found["details"] = reflected.FindFileContainingSymbol("google.rpc.RetryInfo").name
    found["stranger"] = refused(lambda: auth.WhoAmI(messages.WhoAmIRequest()))
    wanted = messages.RegisterRequest(name="alice", email="alice@example.org", password=password, admission=setup_token)
    session = [("authorization", f"Bearer {auth.Register(wanted).session_token}")]
    token = auth.CreateToken(messages.CreateTokenRequest(name="ci", scope="read"), metadata=session).token
    bearer = [("authorization", f"Bearer {token}")]
    who = auth.WhoAmI(messages.WhoAmIRequest(), metadata=bearer)
    found["who"] = [who.name, who.scope, who.by_token]
    found["token"] = refused(lambda: auth.Logout(messages.LogoutRequest(), metadata=bearer))
    right = messages.LoginRequest(name="alice", password=password)
    found["late"] = refused(lambda: auth.Login(right, timeout=0.001))
    wrong = messages.LoginRequest(name="alice", password="wrong")
    guesses = [refused(lambda: auth.Login(wrong)) for _ in range(30)]
    found["first"], found["last"] = guesses[0], guesses[-1]
    print(json.dumps(found))
