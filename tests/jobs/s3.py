"""A server that speaks S3, in this process: moto's."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket of the server, and where the server listens."""

    name: str
    endpoint: str

    def folder(self, name: str) -> str:
        """URL of a folder in it."""
        return f"s3://{self.name}/{name}"


@pytest.fixture(scope="session")
def _server() -> Iterator[str]:
    moto = pytest.importorskip("moto.server", reason="moto[server] is not installed")
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def access_to(server: str) -> dict[str, str]:
    """The environment of those who may use it."""
    return {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }


@pytest.fixture
def bucket(_server: str, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """A bucket whose credentials this process and its children have."""
    import boto3

    for name, value in access_to(_server).items():
        monkeypatch.setenv(name, value)
    boto3.client("s3").create_bucket(Bucket="pictures")
    return Bucket("pictures", _server)
