"""What schemathesis is told beside the document: who it is, and that errors are constants."""

import base64
import os

import requests
import schemathesis
from schemathesis.specs.openapi import checks

URL = os.environ.get("COUNTERSIGN_URL")


def authorization(case, token):
    """The header that the operation wants, if it wants one."""
    needed = {name for way in case.operation.definition.raw.get("security", []) for name in way}
    if "countersign.feed" in needed:
        return f"Bearer {os.environ['FEED']}"
    if "countersign.bearer" in needed:
        return f"Bearer {token()}"
    if case.operation.path == "/introspect":
        pair = f"worker:{os.environ['CLIENT_SECRET']}".encode()
        return f"Basic {base64.b64encode(pair).decode()}"
    return None


if URL:

    @schemathesis.auth(refresh_interval=None)
    class Admin:
        """An admin, who logs in again whenever what is tried has ended the session."""

        access_token = None

        def token(self):
            known = requests.get(f"{URL}/me", headers={"Authorization": f"Bearer {Admin.access_token}"})
            if known.status_code != 200:
                form = {"username": os.environ["ADMIN"], "password": os.environ["PASSWORD"]}
                Admin.access_token = requests.post(f"{URL}/token", data=form).json()["access_token"]
            return Admin.access_token

        def get(self, case, context):
            return authorization(case, self.token)

        def set(self, case, data, context):
            if data is not None:
                case.headers["Authorization"] = data


@schemathesis.check
def errors_are_the_constants_of_the_document(context, response, case):
    """Every error is, word for word, one of the examples that the document has of it."""
    told = case.operation.definition.raw["responses"].get(str(response.status_code))
    if response.status_code < 400 or told is None or response.status_code == 405:
        return
    while "$ref" in told:
        told = case.operation.schema.raw_schema["components"]["responses"][told["$ref"].rsplit("/", 1)[1]]
    media = told["content"]["application/json"]
    if "examples" in media:
        known = [example["value"] for example in media["examples"].values()]
        assert response.json() in known, f"not in the document: {response.status_code} {response.text}"


# A list of sessions whose lines were all deleted is still there, and empty: as if it were made anew.
made_anew = checks._resource_recreated_after_delete


def is_there_again(context, *, delete_path, **cases):
    return delete_path.value.endswith("/sessions") or made_anew(context, delete_path=delete_path, **cases)


checks._resource_recreated_after_delete = is_there_again
