"""Other people's libraries fetch our keys and verify our tokens, of each algorithm.

    python tests/interop/keys.py target/debug/countersign [FOLDER WITH node_modules/jose]
"""

import contextlib
import json
import os
import subprocess
import sys
import threading
import time

import jwt
import requests
import uvicorn
from fastapi import Depends, FastAPI, HTTPException
from fastapi.security import OAuth2PasswordBearer
from joserfc import jwk as joserfc_jwk
from joserfc import jwt as joserfc_jwt
from jwcrypto import jwk as jwcrypto_jwk
from jwcrypto import jwt as jwcrypto_jwt
from server import PASSWORD, running

ISSUER, AUDIENCE = "https://login.example.org", "https://api.example.org"
SETTINGS = {
    "COUNTERSIGN_KEYS__STORE": "file:keys.json",
    "COUNTERSIGN_KEYS__MAX_AGE": "1",
    "COUNTERSIGN_KEYS__ANNOUNCE": "1",
    "COUNTERSIGN_ISSUER": ISSUER,
    "COUNTERSIGN_AUDIENCE": AUDIENCE,
}
ALGORITHMS = ["EdDSA", "ES256", "RS256"]


def log_in(base):
    form = {"username": "ada", "password": PASSWORD}
    return requests.post(f"{base}/token", data=form).json()["access_token"]


def by_pyjwt(jwks_url, token, algorithm):
    key = jwt.PyJWKClient(jwks_url).get_signing_key_from_jwt(token)
    return jwt.decode(token, key, algorithms=[algorithm], issuer=ISSUER, audience=AUDIENCE)


def by_jwcrypto(jwks_url, token, algorithm):
    keys = jwcrypto_jwk.JWKSet.from_json(requests.get(jwks_url).text)
    checked = jwcrypto_jwt.JWT(
        jwt=token, key=keys, algs=[algorithm], expected_type="JWS", check_claims={"iss": ISSUER, "aud": AUDIENCE}
    )
    return json.loads(checked.claims)


def by_joserfc(jwks_url, token, algorithm):
    keys = joserfc_jwk.KeySet.import_key_set(requests.get(jwks_url).json())
    checked = joserfc_jwt.decode(token, keys, algorithms=[algorithm])
    rules = joserfc_jwt.JWTClaimsRegistry(
        iss={"essential": True, "value": ISSUER}, aud={"essential": True, "value": AUDIENCE}
    )
    rules.validate(checked.claims)
    return checked.claims


def by_jose(jwks_url, token, algorithm):
    script = os.path.join(os.path.dirname(__file__), "keys.mjs")
    command = ["node", script, sys.argv[2], jwks_url, ISSUER, AUDIENCE, algorithm, token]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)


@contextlib.contextmanager
def fastapi_app(jwks_url):
    """The tutorial's app with our server as its issuer."""
    app = FastAPI()
    # A new key is met once in the life of one, so what is kept may be a little old.
    keys = jwt.PyJWKClient(jwks_url, lifespan=1)
    bearer = OAuth2PasswordBearer(tokenUrl="token")

    def current_user(token: str = Depends(bearer)):
        try:
            key = keys.get_signing_key_from_jwt(token)
            return jwt.decode(token, key, algorithms=ALGORITHMS, issuer=ISSUER, audience=AUDIENCE)
        except jwt.PyJWTError:
            raise HTTPException(401, headers={"WWW-Authenticate": "Bearer"})

    @app.get("/reports")
    def reports(user: dict = Depends(current_user)):
        return {"for": user["sub"]}

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}/reports"
    finally:
        server.should_exit = True
        thread.join(20)


def spoiled(token):
    """The same with another signature."""
    head, signature = token.rsplit(".", 1)
    return f"{head}.{'B' if signature[0] == 'A' else 'A'}{signature[1:]}"


# K02
def check(base, verifiers, algorithm, app):
    metadata = requests.get(f"{base}/.well-known/oauth-authorization-server").json()
    assert metadata["issuer"] == ISSUER and metadata["jwks_uri"] == f"{ISSUER}/.well-known/jwks.json", metadata
    jwks_url = f"{base}/.well-known/jwks.json"
    token = log_in(base)
    assert jwt.get_unverified_header(token)["alg"] == algorithm, algorithm
    me = requests.get(f"{base}/me", headers={"Authorization": f"Bearer {token}"}).json()
    for verify in verifiers:
        assert verify(jwks_url, token, algorithm)["sub"] == me["id"], verify
        try:
            verify(jwks_url, spoiled(token), algorithm)
        except Exception:
            continue
        raise AssertionError(f"{verify} takes a token whose signature is wrong")
    reports = lambda token: requests.get(app, headers={"Authorization": f"Bearer {token}"})
    assert reports(token).json() == {"for": me["id"]}
    assert reports(spoiled(token)).status_code == 401
    assert requests.get(app).status_code == 401


verifiers = [by_pyjwt, by_jwcrypto, by_joserfc]
if len(sys.argv) > 2:
    verifiers.append(by_jose)
with running(SETTINGS) as (url, run), fastapi_app(f"{url}/.well-known/jwks.json") as app:
    for at, algorithm in enumerate(ALGORITHMS):
        if at > 0:
            # From one algorithm to the next as one does: by a rotation, without a restart.
            run("keys", "rotate", "--algorithm", algorithm)
            time.sleep(2.5)
        check(url, verifiers, algorithm, app)
print(f"interop: {', '.join(verify.__name__[3:] for verify in verifiers)} and FastAPI verify {', '.join(ALGORITHMS)}")
