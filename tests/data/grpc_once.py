"""One file by the library of others, there or back. In the middle of it a line of standard input, or its end, is waited for.

usage: grpc_once.py ADDRESS CONTRACT TOKEN put FROM TO
       grpc_once.py ADDRESS CONTRACT TOKEN get FROM TO

CONTRACT is the directory of the contract. What is fetched is a file under its name once all of it is there.
"""

import os
import sys
import tempfile

import grpc

from grpc_stubs import channel as connected
from grpc_stubs import stubs

address, contract, token, operation, source, target = sys.argv[1:]
me = [("authorization", f"Bearer {token}")]
CHUNK = 64 << 10


def put(m, files):
    size = os.path.getsize(source)

    def messages():
        yield m.UploadFileRequest(header=m.UploadHeader(path=target, size=size))
        has_waited = False
        with open(source, "rb") as file:
            while data := file.read(CHUNK):
                if not has_waited and file.tell() > size / 2:
                    has_waited = True
                    sys.stdin.readline()
                yield m.UploadFileRequest(chunk=m.Chunk(data=data))

    kinds = [answer.WhichOneof("message") for answer in files.UploadFile(messages(), metadata=me)]
    assert kinds[-1] == "done", kinds[-1]


def get(m, files):
    part, got, has_waited = f"{target}.part", 0, False
    with open(part, "wb") as file:
        for answer in files.DownloadFile(m.DownloadFileRequest(path=source), metadata=me):
            kind = answer.WhichOneof("message")
            if kind == "begun":
                size = answer.begun.length
            elif kind == "chunk":
                got += file.write(answer.chunk.data)
                if not has_waited and got >= size / 2:
                    has_waited = True
                    sys.stdin.readline()
    assert kind == "done", kind
    os.rename(part, target)


with tempfile.TemporaryDirectory() as directory, connected(address) as channel:
    m, services = stubs(contract, directory, "files")
    try:
        {"put": put, "get": get}[operation](m, services.FileTransferServiceStub(channel))
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
