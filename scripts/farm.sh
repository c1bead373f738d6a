# The demo's farm on this machine: a coordinator and five agents on loopback. Sourced by ./dev.
#
# A farm lives in a state folder:  coordinator/  agents/ID/  logs/NAME.log  run/NAME.pid  run/port
# Everything is found again from there, by process id; a process id counts only while its process was started for this
# folder, so one left by a crash or used anew by the system is never taken for ours.

BIN=build/bin           # where the programs are; `./dev test` uses those of its own build
FARM_AGENTS=(cpu-1 cpu-2 tflite-1 mcu-1 sim-1)
FARM_READY_SECONDS=60
FARM_STOP_SECONDS=10

port_in_use() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a port that is free together with the next one.
free_port() {
  local port
  for _ in {1..50}; do
    port=$((20000 + RANDOM % 10000))
    if ! port_in_use "$port" && ! port_in_use $((port + 1)); then
      echo "$port"
      return
    fi
  done
  fail "found no free port between 20000 and 30000"
}

# farm_home STATE NAME: the folder that only this process of this farm works in.
farm_home() {
  case $2 in
    coordinator) echo "$1/coordinator" ;;
    *) echo "$1/agents/$2" ;;
  esac
}

# Prints the process id of NAME when it runs.
farm_pid() {
  local state=$1 name=$2 pid
  pid=$(cat "$state/run/$name.pid" 2>/dev/null) || return 1
  [[ -n $pid ]] && tr '\0' '\n' 2>/dev/null <"/proc/$pid/cmdline" | grep -Fxq -- "$(farm_home "$state" "$name")" || return 1
  echo "$pid"
} 2>/dev/null

farm_log_end() {
  printf -- '--- the end of %s\n' "$1/logs/$2.log" >&2
  tail -n 15 "$1/logs/$2.log" >&2 || true
}

# start_process STATE NAME PROGRAM OPTIONS...
start_process() {
  local state=$1 name=$2 program=$3 home
  shift 3
  home=$(farm_home "$state" "$name")
  mkdir -p "$home"
  setsid "$BIN/$program" "$@" --state "$home" >>"$state/logs/$name.log" 2>&1 </dev/null &
  echo $! >"$state/run/$name.pid"
}

start_agent() {
  local state=$1 id=$2 server=$3 options=()
  case $id in
    cpu-*)
      options=(--driver onnxruntime --label class=cpu --share host-cpu
        --option "library=$PADDOCK_ONNXRUNTIME" --option "threads=${id#cpu-}")
      ;;
    tflite-*)
      options=(--driver tflite --label class=cpu --share host-cpu
        --option "library=$PADDOCK_TFLITE" --option "threads=${id#tflite-}")
      ;;
    mcu-*) options=(--driver mcu --share host-cpu --option link=qemu:qemu-stm32f405) ;;
    sim-*) options=(--driver simulated --label class=board) ;;
  esac
  start_process "$state" "$id" paddock-agent --server "$server" --id "$id" "${options[@]}"
}

# Prints how many of the farm's processes run.
farm_count() {
  local state=$1 name count=0
  for name in coordinator "${FARM_AGENTS[@]}"; do
    ! farm_pid "$state" "$name" >/dev/null || count=$((count + 1))
  done
  echo "$count"
}

# Waits until every agent is known to the coordinator and can take runs; fails with the log of whatever ended before.
farm_wait() {
  local state=$1 server=$2 name devices ready=0 deadline=$((SECONDS + FARM_READY_SECONDS))
  while ((SECONDS < deadline)); do
    for name in coordinator "${FARM_AGENTS[@]}"; do
      farm_pid "$state" "$name" >/dev/null && continue
      farm_log_end "$state" "$name"
      printf 'dev: %s ended before the farm was ready\n' "$name" >&2
      return 1
    done
    devices=$("$BIN/paddock" device list --server "$server" -o json 2>/dev/null || true)
    ready=$(grep -Eo '"state": *"(idle|busy)"' <<<"$devices" | wc -l)
    if grep -Eq '"problem": *"[^"]' <<<"$devices"; then
      printf 'dev: an agent cannot take runs:\n%s\n' "$(grep -Eo '"(id|problem)": *"[^"]*"' <<<"$devices")" >&2
      return 1
    fi
    ((ready < ${#FARM_AGENTS[@]})) || return 0
    sleep 0.2
  done
  printf 'dev: %d of %d agents were ready after %d s; the logs are in %s\n' \
    "$ready" "${#FARM_AGENTS[@]}" "$FARM_READY_SECONDS" "$state/logs" >&2
  return 1
}

# farm_up STATE PORT: starts what does not run yet and waits until it is ready.
farm_up() {
  local state=$1 port=$2 id
  local server=127.0.0.1:$port
  mkdir -p "$state/run" "$state/logs"
  if ! farm_pid "$state" coordinator >/dev/null; then
    for id in "$port" $((port + 1)); do
      ! port_in_use "$id" || fail "port $id is in use by another program; choose other ports with --port N, or find its \
owner with: ss -ltnp 'sport = :$id'"
    done
    echo "$port" >"$state/run/port"
    start_process "$state" coordinator paddockd --listen "$server" --http "127.0.0.1:$((port + 1))"
  fi
  for id in "${FARM_AGENTS[@]}"; do
    farm_pid "$state" "$id" >/dev/null || start_agent "$state" "$id" "$server"
  done
  farm_wait "$state" "$server"
}

# Asks the processes to end, agents first, and kills what has not ended in time.
farm_down() {
  local state=$1 name pid deadline
  for name in "${FARM_AGENTS[@]}" coordinator; do
    pid=$(farm_pid "$state" "$name") && kill -TERM "$pid" 2>/dev/null || true
  done
  deadline=$((SECONDS + FARM_STOP_SECONDS))
  for name in "${FARM_AGENTS[@]}" coordinator; do
    while pid=$(farm_pid "$state" "$name"); do
      if ((SECONDS >= deadline)); then
        say "$name did not end within $FARM_STOP_SECONDS s and is killed"
        kill -KILL "$pid" 2>/dev/null || true
      fi
      sleep 0.05
    done
    rm -f "$state/run/$name.pid"
  done
}

parse_farm_options() {
  local command=$1
  shift
  STATE=.paddock
  PORT=
  while (($#)); do
    [[ $# -ge 2 ]] || usage_error "$1 needs a value, or is no option of ./dev $command"
    case $command:$1 in
      *:--state) STATE=$2 ;;
      up:--port) PORT=$2 ;;
      *) usage_error "./dev $command does not know '$1'; see ./dev help" ;;
    esac
    shift 2
  done
  STATE=$(realpath -m -- "$STATE")
  if [[ -n $PORT && ! ($PORT =~ ^[0-9]{1,5}$ && $PORT -ge 1 && $PORT -le 65534) ]]; then
    usage_error "--port is '$PORT'; it may be 1 to 65534 (the next port is used too, for HTTP)"
  fi
}

cmd_up() {
  local running running_port=
  parse_farm_options up "$@"
  running=$(farm_count "$STATE")
  if ((running > 0)); then
    running_port=$(cat "$STATE/run/port")
    [[ -z $PORT || $PORT == "$running_port" ]] || fail "the farm of $STATE runs on port $running_port already; stop it \
first with: ./dev down --state $STATE"
  fi
  PORT=${PORT:-${running_port:-7700}}
  if ((running == 1 + ${#FARM_AGENTS[@]})); then
    say "the farm of $STATE is already running"
  else
    set_up
    build_programs
    say "starting the farm"
    farm_up "$STATE" "$PORT" || {
      say "what has started goes on; stop it with: ./dev down --state $STATE"
      exit 1
    }
  fi
  print_next_steps "$PORT" "$STATE"
}

print_next_steps() {
  local server=
  if [[ $1 -ne 7700 ]]; then server=" --server 127.0.0.1:$1"; fi
  cat <<END
The farm is ready at 127.0.0.1:$1; its logs are in $2/logs.
  build/bin/paddock device list$server
  build/bin/paddock run deploy/demo/digits.yaml$server
  ./dev down$([[ $2 == "$ROOT/.paddock" ]] || printf ' --state %s' "$2")
END
}

cmd_down() {
  parse_farm_options down "$@"
  if [[ ! -d $STATE/run ]]; then
    say "no farm was ever started in $STATE"
    return 0
  fi
  farm_down "$STATE"
  say "the farm of $STATE is stopped"
}

DEMO_STATE=
DEMO_RUN=  # process id of `paddock run`

end_demo() {
  local status=$?
  trap - EXIT
  trap '' INT TERM
  if [[ -n $DEMO_RUN ]] && kill -TERM "$DEMO_RUN" 2>/dev/null; then wait "$DEMO_RUN" || true; fi
  farm_down "$DEMO_STATE"
  if ((status == 0 || status > 128)); then  # done, or interrupted
    rm -rf "$DEMO_STATE"
    say "everything is stopped"
  else
    say "everything is stopped; the logs are in $DEMO_STATE/logs"
  fi
  exit "$status"
}

cmd_demo() {
  local port status=0
  no_arguments demo "$@"
  set_up
  build_programs
  DEMO_STATE=$(mktemp -d "${TMPDIR:-/tmp}/paddock-demo.XXXXXX")
  trap end_demo EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  port=$(free_port)
  say "starting a coordinator and five agents at 127.0.0.1:$port"
  farm_up "$DEMO_STATE" "$port" || exit 1
  "$BIN/paddock" device list --server "127.0.0.1:$port" || true
  say "paddock run deploy/demo/digits.yaml"
  # In the background, because bash handles a signal only when what it waits for is no foreground program.
  "$BIN/paddock" run deploy/demo/digits.yaml --server "127.0.0.1:$port" &
  DEMO_RUN=$!
  wait "$DEMO_RUN" || status=$?
  DEMO_RUN=
  if ((status == 9)); then
    printf '\nNot every run is valid: the reasons are above. On a machine that has other work to do, that is as it should be.\n'
    status=0
  fi
  if ((status == 0)); then
    cat <<'END'

Go on with a farm of your own:
  ./dev up                                               the same farm, in the background
  build/bin/paddock run deploy/demo/digits.yaml          the same job; `paddock run --help` has the options
  build/bin/paddock result list                          what was measured, and `paddock result show RUN`
  ./dev down
END
  fi
  exit "$status"
}
