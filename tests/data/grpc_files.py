"""A client of the files for the tests, on the library of others, with stubs that it generates from the contract.

usage: grpc_files.py ADDRESS CONTRACT TOKEN BYTES        stores and fetches so many bytes, and prints what it has found as JSON
       grpc_files.py ADDRESS CONTRACT TOKEN BYTES ID     stores them as an upload of this ID, or what is missing of it

CONTRACT is the directory of the contract. Content is the same for the same number of bytes.
"""

import hashlib
import json
import random
import sys
import tempfile

from grpc_stubs import channel as connected
from grpc_stubs import refused, stubs

address, contract, token, length = sys.argv[1:5]
upload_id = sys.argv[5] if len(sys.argv) > 5 else None
me = [("authorization", f"Bearer {token}")]
content = random.Random(7).randbytes(int(length))
CHUNK = 256 << 10


with tempfile.TemporaryDirectory() as directory, connected(address) as channel:
    m, services = stubs(contract, directory, "files")
    files = services.FileTransferServiceStub(channel)

    def chunks(begin=0):
        for at in range(begin, len(content), CHUNK):
            yield m.UploadFileRequest(chunk=m.Chunk(data=content[at : at + CHUNK], offset=at))

    def upload(header):
        """Stores the content, from the offset on that the server tells."""
        begun = []

        def messages():
            yield m.UploadFileRequest(header=header)
            while not begun:
                pass
            yield from chunks(begun[0])

        for answer in files.UploadFile(messages(), metadata=me):
            kind = answer.WhichOneof("message")
            if kind == "begun":
                begun.append(answer.begun.offset)
                print(json.dumps({"begun": answer.begun.offset}), flush=True)
            elif kind == "acknowledged" and upload_id:
                print(json.dumps({"acknowledged": answer.acknowledged.offset}), flush=True)
            elif kind == "done":
                return answer.done.file

    digest = hashlib.sha256(content).digest()
    if upload_id:
        header = m.UploadHeader(path="resumed", size=len(content), sha256=digest, upload_id=upload_id)
        stored = upload(header)
        print(json.dumps({"stored": stored.size, "same": stored.sha256 == digest}))
        sys.exit()

    found = {}
    stored = upload(m.UploadHeader(path="by python", size=len(content), sha256=digest))
    found["stored"] = stored.size == len(content) and stored.sha256 == digest

    def download(**fields):
        answers = list(files.DownloadFile(m.DownloadFileRequest(path="by python", **fields), metadata=me))
        kinds = [answer.WhichOneof("message") for answer in answers]
        assert kinds[0] == "begun" and kinds[-1] == "done" and set(kinds[1:-1]) <= {"chunk"}, kinds
        return b"".join(answer.chunk.data for answer in answers)

    found["fetched"] = download() == content
    begin, count = len(content) // 3, 100_001
    found["part"] = download(range=m.ByteRange(first=begin, length=count)) == content[begin : begin + count]
    found["other"] = refused(lambda: download(expected_sha256=bytes(32)))
    found["renamed"] = files.MoveFile(getattr(m, "MoveFileRequest")(**{"from": "by python", "to": "renamed"}), metadata=me).file.path
    found["listed"] = [file.path for file in files.ListFiles(m.ListFilesRequest(), metadata=me).files]
    found["gone"] = refused(download)
    wrong = [m.UploadFileRequest(header=m.UploadHeader(path="wrong", sha256=bytes(32))), m.UploadFileRequest(chunk=m.Chunk(data=b"x"))]
    found["wrong"] = refused(lambda: list(files.UploadFile(iter(wrong), metadata=me)))
    files.DeleteFile(m.DeleteFileRequest(path="renamed"), metadata=me)
    found["left"] = len(files.ListFiles(m.ListFilesRequest(), metadata=me).files)
    print(json.dumps(found))
