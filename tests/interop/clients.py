"""Other people's libraries as clients: requests-oauthlib and Authlib get tokens in their own name,
ask about them and end them; a resource server takes them by scope, and hears of their end.

    python tests/interop/clients.py target/debug/countersign target/debug/examples/resource_server
"""

import contextlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback, no TLS
os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"

import requests
from authlib.integrations.requests_client import OAuth2Session as AuthlibSession
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwk
from oauthlib.oauth2 import BackendApplicationClient, InvalidClientError, InvalidScopeError
from requests_oauthlib import OAuth2Session
from server import running

FEED_SECRET = "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A"


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


@contextlib.contextmanager
def resource_server(issuer):
    """An app that follows what the issuer revokes; yields its URL."""
    port = free_port()
    environment = {
        "ROCKET_PORT": str(port),
        "JWKS_URL": f"{issuer}/.well-known/jwks.json",
        "ISSUER": issuer,
        "FEED_URL": f"{issuer}/revocations",
        "FEED_SECRET": FEED_SECRET,
    }
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    server = subprocess.Popen([os.path.abspath(sys.argv[2])], env=environment, **quiet)
    base = f"http://127.0.0.1:{port}"
    try:
        for _ in range(100):
            with contextlib.suppress(requests.ConnectionError):
                if requests.get(f"{base}/hello").status_code == 401:
                    break
            time.sleep(0.1)
        yield base
    finally:
        server.terminate()
        server.wait(timeout=20)


def by_requests_oauthlib(issuer, api, secret):
    client = BackendApplicationClient(client_id="worker", scope=["reports:read"])
    with OAuth2Session(client=client) as session:
        token = session.fetch_token(f"{issuer}/token", client_id="worker", client_secret=secret)
        assert token["scope"] == ["reports:read"] and "refresh_token" not in token, token
        today = session.get(f"{api}/reports/today")
        assert (today.status_code, today.text) == (200, "For a service: worker"), today.text
        assert session.get(f"{api}/reports").status_code == 403, "a role refuses it"
        assert session.get(f"{issuer}/me").status_code == 403, "and so does what is for people"
    in_body = OAuth2Session(client=BackendApplicationClient(client_id="worker", scope=["items"]))
    token = in_body.fetch_token(f"{issuer}/token", client_secret=secret, include_client_id=True, auth=False)
    assert token["scope"] == ["items"], token
    refused = in_body.get(f"{api}/reports/today")
    assert refused.status_code == 403 and 'scope="reports:read"' in refused.headers["WWW-Authenticate"]
    for wrong, error in [({"client_secret": "csc_wrong"}, InvalidClientError), ({"scope": ["admin"]}, InvalidScopeError)]:
        try:
            in_body.fetch_token(f"{issuer}/token", **{"client_id": "worker", "client_secret": secret, **wrong})
        except error:
            continue
        raise AssertionError(f"{wrong} was taken")


def by_authlib(issuer, api, secret):
    """Metadata, the secret by Basic and in the body, revocation and introspection."""
    metadata = requests.get(f"{issuer}/.well-known/oauth-authorization-server").json()
    for method in ["client_secret_basic", "client_secret_post"]:
        assert method in metadata["token_endpoint_auth_methods_supported"]
        session = AuthlibSession("worker", secret, token_endpoint_auth_method=method, scope="reports:read")
        session.revocation_endpoint_auth_method = method
        token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
        told = session.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
        assert told["active"] and told["scope"] == "reports:read" and told["sub"] == "worker", told
        assert session.get(f"{api}/reports/today").status_code == 200
        ended = session.revoke_token(metadata["revocation_endpoint"], token=token["access_token"])
        assert (ended.status_code, ended.content) == (200, b""), ended.text
        told = session.introspect_token(metadata["introspection_endpoint"], token=token["access_token"]).json()
        assert told == {"active": False}, told
        for _ in range(40):
            if session.get(f"{api}/reports/today").status_code == 401:
                break
            time.sleep(0.05)
        else:
            raise AssertionError("the resource server has not heard of the revocation")


def by_a_signature(issuer, run):
    """private_key_jwt, with a key of each kind that only the client has."""
    metadata = requests.get(f"{issuer}/.well-known/oauth-authorization-server").json()
    kinds = {"EdDSA": ("OKP", "Ed25519"), "ES256": ("EC", "P-256"), "RS256": ("RSA", 2048)}
    for algorithm, (kind, size) in kinds.items():
        key = jwk.generate_key(kind, size, {"kid": algorithm, "alg": algorithm, "use": "sig"})
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump({"keys": [key.as_dict(private=False)]}, file)
            file.flush()
            run("client", "add", f"signer-{algorithm}", "--jwks", file.name, "--scope", "items")
        session = AuthlibSession(
            f"signer-{algorithm}",
            key,
            token_endpoint_auth_method=PrivateKeyJWT(metadata["token_endpoint"], alg=algorithm),
            scope="items",
        )
        for _ in range(2):
            token = session.fetch_token(metadata["token_endpoint"], grant_type="client_credentials")
            assert token["scope"] == "items", token


port = free_port()
url = f"http://127.0.0.1:{port}"
settings = {
    "ROCKET_PORT": str(port),
    "COUNTERSIGN_ISSUER": url,
    "COUNTERSIGN_SCOPES": "items reports:read",
    "COUNTERSIGN_REVOCATION__FEED_SECRET": FEED_SECRET,
}
with running(settings) as (base, run):
    printed = run("client", "add", "worker", "--scope", "items reports:read", "--introspects")
    worker_secret = printed.removeprefix("secret: ").strip()
    with resource_server(url) as api_url:
        by_requests_oauthlib(base, api_url, worker_secret)
        by_authlib(base, api_url, worker_secret)
    by_a_signature(base, run)
print("interop: requests-oauthlib and Authlib are clients; a resource server takes and refuses their tokens")
