"""What paramiko does by SFTP, one operation after the other. Each is named on standard output once it was done as expected.

Arguments: port, private key, size in bytes of a file."""

import hashlib
import stat
import sys

import paramiko

port, key, size = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
content = bytearray(hashlib.shake_128(b"paramiko").digest(size))

ssh = paramiko.SSHClient()
ssh.set_missing_host_key_policy(paramiko.AutoAddPolicy())
ssh.connect("127.0.0.1", port, "alice", key_filename=key, allow_agent=False, look_for_keys=False)
sftp = ssh.open_sftp()


def done(operation):
    print(operation, flush=True)


def refused(error, work, *arguments):
    try:
        work(*arguments)
    except error:
        return
    raise AssertionError(f"{work} {arguments} was not refused")


with sftp.open("big", "wb") as file:
    file.set_pipelined(True)
    for at in range(0, size, 1 << 20):
        file.write(content[at:at + (1 << 20)])
assert sftp.stat("big").st_size == size
done("put")

with sftp.open("big", "rb") as file:
    file.prefetch(size)
    assert file.read() == content
done("get")

with sftp.open("big", "rb") as file:
    for at in [size - 100, 0, size // 2, 1 << 17, (1 << 17) - 7]:
        file.seek(at)
        assert file.read(100) == content[at:at + 100], at
    places = [(at, 1000) for at in range(size - 5000, 0, -(size // 7))]
    assert list(file.readv(places)) == [bytes(content[at:at + 1000]) for at, _ in places]
done("random reads")

with sftp.open("big", "r+b") as file:
    for at in [size // 2, 3]:
        file.seek(at)
        file.write(b"changed")
        content[at:at + 7] = b"changed"
    file.seek(0)
    assert file.read(20) == content[:20]
with sftp.open("big", "rb") as file:
    file.prefetch(size)
    assert file.read() == content
with sftp.open("scattered", "wb") as file:
    for at in [1 << 20, 0, 1 << 18]:
        file.seek(at)
        file.write(b"x" * 1000)
        file.flush()
expected = bytearray((1 << 20) + 1000)
for at in [1 << 20, 0, 1 << 18]:
    expected[at:at + 1000] = b"x" * 1000
assert sftp.open("scattered").read() == expected
done("random writes")

sftp.truncate("scattered", 1500)
assert sftp.open("scattered").read() == expected[:1500]
sftp.truncate("scattered", 3000)
assert sftp.open("scattered").read() == expected[:1500] + bytes(1500)
with sftp.open("scattered", "ab") as file:
    file.write(b"end")
assert sftp.stat("scattered").st_size == 3003
done("truncate")

refused(IOError, sftp.rename, "scattered", "big")
sftp.rename("scattered", "renamed")
sftp.posix_rename("renamed", "big")
assert sftp.stat("big").st_size == 3003
done("rename")

sftp.mkdir("directory", 0o750)
assert stat.S_IMODE(sftp.stat("directory").st_mode) == 0o750 and stat.S_ISDIR(sftp.lstat("directory").st_mode)
sftp.chdir("directory")
assert sftp.getcwd() == "/files/directory"
with sftp.open("a", "w") as file:
    file.write("a")
sftp.chdir("..")
refused(IOError, sftp.rmdir, "directory")
sftp.remove("directory/a")
sftp.rmdir("directory")
refused(FileNotFoundError, sftp.stat, "directory")
done("directories")

sftp.chmod("big", 0o600)
sftp.utime("big", (1, 1_600_000_000))
found = sftp.stat("big")
assert (stat.S_IMODE(found.st_mode), found.st_mtime) == (0o600, 1_600_000_000)
done("attributes")

for number in range(2000):
    with sftp.open(f"many {number:04}", "w") as file:
        pass
assert sorted(sftp.listdir()) == ["big"] + [f"many {number:04}" for number in range(2000)]
assert [entry.filename for entry in sftp.listdir_iter()][:1] == ["big"]
done("list")

refused(FileNotFoundError, sftp.open, "none")
refused(PermissionError, sftp.open, "/node/none", "w")
refused(FileNotFoundError, sftp.open, "/files/../../etc/passwd")
sftp.remove("big")
refused(FileNotFoundError, sftp.remove, "big")
done("remove")
