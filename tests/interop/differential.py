"""Whatever we accept, PyJWT in its strict form and jose accept too, and read the same in it.

    python tests/interop/differential.py target/debug/examples/tokens [--count N] [--seed N] [--jose FOLDER WITH node_modules/jose]

Fails by a token that only we accept, or that says something else to another. What only the others
accept is counted: there we are stricter.
"""

import argparse
import collections
import datetime
import json
import os
import subprocess
import sys
import tempfile
import warnings

import jwt

# How each reads a number: JavaScript has no others than doubles, so beyond 2^53 it is only near.
NUMBER = {"PyJWT": int, "jose": float}


def at(seconds):
    """The current time as PyJWT asks for it."""

    class Fixed(datetime.datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime.datetime.fromtimestamp(seconds, tz)

    return Fixed


def by_pyjwt(rules, lines):
    jwt.api_jwt.datetime = at(rules["now"])
    keys = {key["alg"]: jwt.PyJWK(key) for key in rules["keys"]}
    options = {
        "require": ["iss", "aud", "sub", "client_id", "jti", "iat", "exp", "rev"],
        "enforce_minimum_key_length": True,
    }
    for line in lines:
        try:
            yield jwt.decode(
                line["token"],
                keys[line["alg"]],
                algorithms=[line["alg"]],
                audience=rules["audience"],
                issuer=rules["issuer"],
                leeway=rules["leeway"],
                options=options,
            )
        # Whatever goes wrong in there, it is not accepted.
        except Exception as error:
            yield error


def by_jose(folder):
    def verdicts(rules, lines):
        script = os.path.join(os.path.dirname(__file__), "differential.mjs")
        with tempfile.TemporaryFile("w+") as given:
            for line in [rules, *lines]:
                print(json.dumps(line), file=given)
            given.seek(0)
            command = ["node", script, folder]
            told = subprocess.run(command, stdin=given, capture_output=True, text=True, check=True).stdout
        for line in told.split("\n")[:-1]:
            verdict = json.loads(line)
            yield verdict["claims"] if "claims" in verdict else ValueError(verdict["refused"])

    return verdicts


def same(ours, theirs, number):
    read = lambda value: number(value) if isinstance(value, int) else value
    return all(read(theirs.get(name)) == read(value) for name, value in ours.items())


arguments = argparse.ArgumentParser()
arguments.add_argument("tokens")
arguments.add_argument("--count", default="10000")
arguments.add_argument("--seed", default="7")
arguments.add_argument("--jose")
arguments = arguments.parse_args()
warnings.simplefilter("ignore")

made = subprocess.run([arguments.tokens, arguments.count, arguments.seed], capture_output=True, text=True, check=True)
rules, *lines = map(json.loads, made.stdout.split("\n")[:-1])
accepted = sum("claims" in line for line in lines)
print(f"differential: seed {rules['seed']}, {len(lines)} tokens, {accepted} of them accepted by us")
assert len(lines) == int(arguments.count) and accepted * 3 >= len(lines) and (len(lines) - accepted) * 4 >= len(lines)

verifiers = {"PyJWT": by_pyjwt}
if arguments.jose:
    verifiers["jose"] = by_jose(arguments.jose)
wrong = 0
for name, verdicts in verifiers.items():
    both, stricter = 0, collections.Counter()
    for line, verdict in zip(lines, verdicts(rules, lines), strict=True):
        takes = not isinstance(verdict, Exception)
        if "refused" in line:
            stricter[line["refused"]] += takes
        elif takes and same(line["claims"], verdict, NUMBER[name]):
            both += 1
        else:
            wrong += 1
            if wrong <= 10:
                print(f"{name}: {verdict!r} for what we accept: {line}")
    print(f"  {name}: {both} accepted by both, {sum(stricter.values())} by {name} alone, which we refuse:")
    for reason, number in (+stricter).most_common():
        print(f"    {number:7} {reason}")
if wrong:
    print("the keys:", json.dumps(rules["keys"]))
    sys.exit(f"{wrong} tokens are accepted by us and not, or not as the same, by others")
