"""A Countersign server with one user, `ada`, on a free port with throw-away data."""

import contextlib
import os
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(sys.argv[1])
PASSWORD = "analytical-engine"


@contextlib.contextmanager
def running(settings):
    """Yields its URL and a function that runs `countersign ARGUMENTS` on the same data and returns
    what it prints."""
    environment = {"COUNTERSIGN_DATABASE_URL": "sqlite:test.db", "ROCKET_PORT": "0", **settings}
    with tempfile.TemporaryDirectory() as folder:

        def run(*arguments, text=None):
            command = [PROGRAM, *arguments]
            done = subprocess.run(
                command, cwd=folder, env=environment, input=text, text=True, check=True, stdout=subprocess.PIPE
            )
            return done.stdout

        run("user", "add", "ada", "--password-stdin", text=PASSWORD)
        server = subprocess.Popen([PROGRAM], cwd=folder, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            yield server.stdout.readline().split()[-1], run
        finally:
            server.terminate()
            server.wait(timeout=20)
