#!/usr/bin/env bash
# From exec to the line that says that the server listens: benches/start_up.sh [PROGRAM] [TIMES]
# On an SQLite file that is there already, with keys and a thousand users, as a restart finds it.
set -euo pipefail
program=$(realpath "${1:-target/release/countersign}") times=${2:-30}
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export ROCKET_PROFILE=release ROCKET_PORT=0 RUST_LOG=error
export COUNTERSIGN_KEYS__STORE=file:keys.json COUNTERSIGN_DATABASE_URL=sqlite:users.db
"$program" keys generate >/dev/null
for number in $(seq 1000); do
    echo "{\"username\":\"user$number\",\"password_hash\":\"\$2b\$10\$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy\"}"
done >users.jsonl
"$program" user import users.jsonl >/dev/null
for _ in $(seq "$times"); do
    begin=${EPOCHREALTIME/./}
    coproc SERVER { exec "$program" serve 2>/dev/null; }
    read -r line <&"${SERVER[0]}"
    end=${EPOCHREALTIME/./}
    case $line in "countersign: listening"*) ;; *) echo "$line" >&2; exit 1 ;; esac
    echo $(((end - begin) / 10))
    kill -TERM "$SERVER_PID"
    wait "$SERVER_PID" 2>/dev/null || true
done | sort -n | awk '{ all[NR] = $1 } END {
    printf "ms to listen, of %d starts: best %.1f, median %.1f, worst %.1f\n",
        NR, all[1] / 100, all[int((NR + 1) / 2)] / 100, all[NR] / 100 }'
