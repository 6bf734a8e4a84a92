"""A mail server for the tests: STARTTLS and AUTH on 127.0.0.1, each mail in a file of its own.

usage: smtp_server.py DIRECTORY CERTIFICATE KEY USER PASSWORD

Prints its port when it takes mail, and ends with its standard input.
"""

import asyncio
import pathlib
import ssl
import sys

from aiosmtpd.smtp import SMTP, AuthResult

directory, certificate, key, user, password = sys.argv[1:]


class Keep:
    """Writes each mail whole under a name of its own."""

    count = 0

    async def handle_DATA(self, server, session, envelope):
        self.count += 1
        path = pathlib.Path(directory) / f"{self.count:03}.eml"
        unfinished = path.with_suffix(".new")
        unfinished.write_bytes(envelope.content)
        unfinished.rename(path)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    good = (data.login, data.password) == (user.encode(), password.encode())
    return AuthResult(success=good, handled=good)


async def serve():
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    keep = Keep()

    def session():
        return SMTP(
            keep,
            hostname="localhost",
            tls_context=context,
            require_starttls=True,
            authenticator=authenticate,
            auth_required=True,
        )

    loop = asyncio.get_running_loop()
    server = await loop.create_server(session, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)
    server.close()


asyncio.run(serve())
