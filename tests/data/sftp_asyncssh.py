"""One file by asyncssh, there or back. The server is known by the `.ssh/known_hosts` of the home directory.

usage: sftp_asyncssh.py PORT KEY put FROM TO
       sftp_asyncssh.py PORT KEY get FROM TO
"""

import asyncio
import sys

import asyncssh

port, key, operation, source, target = sys.argv[1:]


async def transfer():
    async with asyncssh.connect("127.0.0.1", int(port), username="alice", client_keys=[key]) as connection:
        async with connection.start_sftp_client() as sftp:
            await getattr(sftp, operation)(source, target)


asyncio.run(transfer())
