"""A recipe for those who test clients of their own: what does yours do when a disk dies under it?

Needs pytest and requests, and `p2p` in PATH or in $P2P:  pytest examples/test_dying_disk.py
"""

import json
import os
import subprocess

import pytest
import requests

# Eight segments each, so that every one of the five nodes has some.
BEFORE, DURING = os.urandom(500_000), os.urandom(500_000)


class Network(requests.Session):
    """A storage network at a free port of this machine, with an account for the test; it ends with the test."""

    def __init__(self, directory):
        super().__init__()
        self.trust_env = False  # no proxy stands between
        command = [os.environ.get("P2P", "p2p"), "serve", "--web=:0", "--speed=max", "--exit-with-parent"]
        command += ["--data-dir", directory]
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        ready = json.loads(self.process.stdout.readline())  # printed once it can be used
        self.base = f"http://{ready['services'][0]['address']}/api/v1/"
        account = {"username": "tester", "email": "tester@example.org", "password": "correct horse battery"}
        made = self.post("auth/register", json=account | {"admission": ready["setup_token"]}).json()
        self.headers["Authorization"] = f"Bearer {made['token']}"

    def request(self, method, path, **options):
        return super().request(method, self.base + path, timeout=60, **options)


@pytest.fixture
def network(tmp_path):
    network = Network(tmp_path)
    yield network
    network.process.terminate()
    assert network.process.wait(60) == 0


def test_a_client_survives_a_dying_disk(network):
    assert network.put("files/content/before.bin", data=BEFORE).status_code == 201

    assert network.post("faults/profiles/dying-disk", json={"node": "Node_01"}).ok
    # A disk that cannot sync confirms nothing.
    refused = network.put("files/content/during.bin", data=DURING)
    assert refused.status_code == 503 and refused.headers["Content-Type"] == "application/problem+json"
    assert refused.json()["reason"] == "UNAVAILABLE" and "Node_01" in refused.json()["detail"]
    # Corrupt segments are given to nobody: the answer is an error, or breaks off once its beginning has been sent.
    with pytest.raises(requests.RequestException):
        network.get("files/content/before.bin").raise_for_status()

    assert network.delete("faults").ok
    assert network.put("files/content/during.bin", data=DURING).status_code == 201
    assert network.get("files/content/before.bin").content == BEFORE
    assert network.get("files/content/during.bin").content == DURING
