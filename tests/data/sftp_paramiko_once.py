"""One file by paramiko, there or back. In the middle of it a line of standard input, or its end, is waited for.

usage: sftp_paramiko_once.py PORT KEY put FROM TO
       sftp_paramiko_once.py PORT KEY get FROM TO
"""

import sys

import paramiko

port, key, operation, source, target = sys.argv[1:]
has_waited = False


def waits(done, total):
    global has_waited
    if not has_waited and done >= total / 2:
        has_waited = True
        sys.stdin.readline()


ssh = paramiko.SSHClient()
ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
ssh.connect("127.0.0.1", int(port), "alice", key_filename=key, allow_agent=False, look_for_keys=False)
sftp = ssh.open_sftp()
try:
    if operation == "put":
        sftp.put(source, target, callback=waits)
    else:
        # What is asked for ahead is bounded, so that not all of it has arrived in the middle.
        sftp.get(source, target, callback=waits, max_concurrent_prefetch_requests=8)
except (EOFError, OSError, paramiko.SSHException) as error:
    sys.exit(f"{type(error).__name__}: {error}")
