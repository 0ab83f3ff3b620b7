"""schemathesis reads the OpenAPI document and tries everything that it says, and much that it does not, against a
server: once as an admin and once as nobody. All checks are on; openapi.toml says what is expected otherwise, and why.

    python tests/interop/openapi.py target/debug/countersign
"""

import os
import subprocess
import sys
import time

import requests
from openapi_spec_validator import OpenAPIV31SpecValidator
from server import running

HERE = os.path.dirname(os.path.abspath(__file__))
SEED = 19520618
FEED_SECRET = "Wm4tYq7RzX1nLd8KpV5cHs2GbJf6Ue9A"
# Not the one of the document's examples, or one of these would change it.
ADMIN, PASSWORD = "root", "difference-engine-no-1"

SETTINGS = {
    "ROCKET_LOG_LEVEL": "off",
    "RUST_LOG": "error",
    "COUNTERSIGN_DOCS": "on",
    "COUNTERSIGN_ISSUER": "http://localhost",
    "COUNTERSIGN_SCOPES": "items reports:read",
    "COUNTERSIGN_REVOCATION__FEED_SECRET": FEED_SECRET,
    # Thousands of passwords are tried from one address. That the limits hold, and what they answer, is tested
    # in tests/api/throttle.
    "COUNTERSIGN_LOGIN__LIMITS": "off",
    "COUNTERSIGN_RATE__LIMITS": "off",
    # The cheapest that may be set.
    "COUNTERSIGN_PASSWORD__MEMORY_KIB": "7168",
    "COUNTERSIGN_PASSWORD__ITERATIONS": "5",
}


def schemathesis(url, seconds, secrets):
    """Runs all phases and all checks; its exit code is 0 if it has found nothing."""
    program = os.path.join(os.path.dirname(sys.executable), "schemathesis")
    command = [program, "--config-file", os.path.join(HERE, "openapi.toml"), "run", f"{url}/openapi.json"]
    command += ["--url", url, "--checks", "all", "--seed", str(SEED), "--max-time", str(seconds)]
    environment = {**os.environ, "PYTHONPATH": HERE, "SCHEMATHESIS_HOOKS": "openapi_hooks", **secrets}
    # What it notes, it notes in a folder that goes away with the server's data.
    return subprocess.run([*command, *sys.argv[2:]], env=environment).returncode


with running(SETTINGS) as (url, run):
    run("user", "add", ADMIN, "--role", "admin", "--password-stdin", text=PASSWORD)
    secret = run("client", "add", "worker", "--scope", "items", "--introspects").removeprefix("secret: ").strip()
    document = requests.get(f"{url}/openapi.json").json()
    problems = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]
    assert problems == [], problems
    began = time.monotonic()
    admin = {"COUNTERSIGN_URL": url, "ADMIN": ADMIN, "PASSWORD": PASSWORD, "FEED": FEED_SECRET, "CLIENT_SECRET": secret}
    found = schemathesis(url, 50, admin)
    found |= schemathesis(url, 20, {})
    assert requests.get(f"{url}/health/ready").status_code == 200
if found:
    sys.exit("schemathesis has found something")
print(f"interop: schemathesis finds nothing in {time.monotonic() - began:.0f} s")
