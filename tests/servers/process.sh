# sh process.sh FOLDER LAST PROGRAM ARGUMENTS...
# Runs PROGRAM and does what it is told on its standard input, answering each line by PROGRAM's pid. When
# the input ends - the test process has closed it or is dead, in whatever way - it ends PROGRAM by the
# signal LAST, or by KILL if that does not help, and removes FOLDER.
folder=$1 last=$2
shift 2
# Nothing must keep it from cleaning up: not an answer that nobody reads any more, nor the SIGHUP that Linux
# sends to a process group in which something is stopped when the parent of the group dies.
trap '' PIPE HUP

start() {
    "$@" </dev/null >>"$folder/log" 2>&1 &
    pid=$!
}

children() {
    cat "/proc/$pid/task/$pid/children"
}

# A zombie has no exe: it is gone, whether or not anyone has waited for it.
alive() {
    [ -e "/proc/$1/exe" ]
}

end() {
    [ "$pid" ] || return
    # Stopped, it starts no more children; Postgres's do not die with it when they are stopped themselves.
    kill -STOP "$pid"
    family=$(children)
    case $1 in
    KILL) kill -KILL "$pid" $family ;;
    *) kill -"$1" "$pid" && kill -CONT "$pid" $family ;;
    esac
    wait "$pid"
    for child in $family; do
        while alive "$child"; do sleep 0.01; done
    done
    pid=
}

exec 2>/dev/null
start "$@"
echo "$pid"
while read -r word signal; do
    case $word in
    start) [ "$pid" ] || start "$@" ;;
    signal) kill -"$signal" "$pid" ;;
    # The parent first: it must not start another child meanwhile.
    signal-all) kill -"$signal" "$pid" && kill -"$signal" $(children) ;;
    end) end "$signal" ;;
    esac
    echo "$pid"
done

if [ "$pid" ]; then
    [ "$last" = KILL ] || kill -CONT "$pid" $(children)
    tries=0
    while alive "$pid" && [ $tries -lt 500 ]; do
        # Again and again: it may have just started and not listen yet.
        kill -"$last" "$pid"
        sleep 0.01
        tries=$((tries + 1))
    done
    end KILL
fi
cd / && rm -rf "$folder"
