"""Stubs of the library of others, generated from the contract, and what their refused calls tell."""

import importlib
import os
import pathlib
import sys

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from grpc_tools import protoc


def channel(address):
    """Connects to an address: by TLS, if P2P_TEST_CA names a file of certificates that are trusted."""
    authority = os.environ.get("P2P_TEST_CA")
    if authority is None:
        return grpc.insecure_channel(address)
    return grpc.secure_channel(address, grpc.ssl_channel_credentials(pathlib.Path(authority).read_bytes()))


def stubs(contract, directory, name):
    """Generates the stubs of the whole contract in a directory, and imports those of one of its files."""
    files = [str(path) for path in pathlib.Path(contract).rglob("*.proto")]
    well_known = str(pathlib.Path(protoc.__file__).parent / "_proto")
    options = [f"-I{contract}", f"-I{well_known}", f"--python_out={directory}", f"--grpc_python_out={directory}"]
    assert protoc.main(["protoc", *options, *files]) == 0
    sys.path.insert(0, directory)
    return tuple(importlib.import_module(f"p2p.v1.{name}_pb2{suffix}") for suffix in ("", "_grpc"))


def refused(call):
    """Gives the code and the reason of a call that is refused."""
    try:
        call()
    except grpc.RpcError as error:
        found = [error.code().name]
        status = rpc_status.from_call(error)
        for detail in status.details if status else []:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                found.append(info.reason)
        return found
    return None
