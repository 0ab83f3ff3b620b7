"""Logs in with requests-oauthlib and reads the token with PyJWT.

    python tests/interop/login.py target/debug/countersign
"""

import os

os.environ["OAUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback, no TLS

import jwt
from oauthlib.oauth2 import LegacyApplicationClient
from oauthlib.oauth2.rfc6749.errors import InvalidGrantError
from requests_oauthlib import OAuth2Session
from server import PASSWORD, running

KEY = "kX9vQm2ZrT7yLw4NbD6fHs8JpC3gUe5A-test"


def log_in(base, password, scope=None):
    session = OAuth2Session(client=LegacyApplicationClient(client_id="first-party", scope=scope))
    session.fetch_token(f"{base}/token", username="ada", password=password, include_client_id=True)
    return session


def check(base):
    session = log_in(base, PASSWORD, scope=["reports:read"])
    me = session.get(f"{base}/me")
    assert me.status_code == 200 and me.json()["username"] == "ada", me.text

    token = session.token["access_token"]
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    required = ["iss", "sub", "aud", "exp", "iat", "jti", "client_id", "sid"]
    claims = jwt.decode(
        token, KEY, algorithms=["HS256"], audience="countersign", issuer="countersign", options={"require": required}
    )
    assert claims["sub"] == me.json()["id"] and claims["scope"] == "reports:read", claims
    assert "ada" not in str(claims), "nothing personal in a token"

    try:
        log_in(base, "wrong password")
    except InvalidGrantError:
        return
    raise AssertionError("a wrong password was accepted")


with running({"COUNTERSIGN_SIGNING_KEY": KEY, "COUNTERSIGN_SCOPES": "reports:read"}) as (url, _):
    check(url)
print("interop: requests-oauthlib logs in, PyJWT reads the token")
