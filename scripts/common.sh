# Talking to the user, and running slow things visibly. Sourced by ./dev. Messages go to stderr, data to stdout.

CACHE_DIR=${PADDOCK_CACHE:-${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/paddock}

say() { printf '== %s\n' "$*" >&2; }

fail() {
  printf 'dev: %s\n' "$*" >&2
  exit 1
}

usage_error() {
  printf 'dev: %s\n' "$*" >&2
  exit 2
}

no_arguments() {
  [[ $# -eq 1 ]] || usage_error "./dev $1 takes no arguments, but got '${*:2}'"
}

has() { command -v "$1" >/dev/null 2>&1; }

# Shows every second on a terminal, every 30 s elsewhere, that LOG's writer is alive. Ends by itself with the script.
show_life() {
  local log=$1 seconds=0
  while sleep 1 && kill -0 $$ 2>/dev/null; do
    seconds=$((seconds + 1))
    if [[ -t 2 ]]; then
      printf '\r\033[K   %d s  %s' "$seconds" "$(tail -c 200 "$log" | tr -d '\r' | tail -n 1 | cut -c1-90)" >&2
    elif ((seconds % 30 == 0)); then
      printf '   ... %d s\n' "$seconds" >&2
    fi
  done
}

# logged LOG COMMAND...: runs COMMAND with its output in LOG; on failure prints the end of LOG and answers its status.
logged() {
  local log=$1 status=0
  shift
  mkdir -p "$(dirname "$log")"
  : >"$log"
  show_life "$log" &
  local life=$!
  "$@" >"$log" 2>&1 || status=$?
  kill "$life" 2>/dev/null || true
  wait "$life" 2>/dev/null || true
  if [[ -t 2 ]]; then printf '\r\033[K' >&2; fi
  if ((status != 0)); then
    printf 'dev: failed with status %d: %s\n--- the end of %s\n' "$status" "$*" "$log" >&2
    tail -n 40 "$log" >&2
    printf -- '---\n' >&2
  fi
  return "$status"
}
