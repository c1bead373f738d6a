# The checks: test, lint, fmt, bench. Sourced by ./dev.

OWN_SOURCES=(base boards kpi device_drivers prepare agent server cli tests)
FUZZ_SECONDS=2  # for each target: a smoke test; longer runs are made by hand

own_sources() { find "${OWN_SOURCES[@]}" -name '*.h' -o -name '*.cc'; }

# ---- lint and format

check_format() { own_sources | xargs -P "$(nproc)" -n 16 clang-format --dry-run -Werror; }

check_scripts() {
  local script
  for script in dev .ci/run scripts/*.sh; do
    bash -n "$script" || return 1
  done
}

# Prints the files for clang-tidy: what differs from main here, everything in continuous integration. Files that include
# gRPC's headers are left out, since each takes 15 s.
tidy_files() {
  local base
  if [[ ${CI:-} == true ]]; then
    own_sources
  else
    base=$(git merge-base HEAD origin/main 2>/dev/null || git rev-parse HEAD~1 2>/dev/null || git rev-parse HEAD)
    { git diff --name-only --diff-filter=d "$base" -- "${OWN_SOURCES[@]}"
      git ls-files --others --exclude-standard -- "${OWN_SOURCES[@]}"; }
  fi | grep -E '^(base|boards|kpi|device_drivers|prepare|server/core|server/store|agent)/.*\.cc$' |
    xargs -r grep -LE "(grpcpp|paddock/v1)/|link_grpc" | sort -u
}

# Prints what the sanitized build compiles of the files given: its groups of sources, whose headers are read once.
tidy_units() {
  local groups file
  mapfile -t groups < <(find build-asan -path '*/Unity/*.cxx' -not -path '*/tests/*')
  for file in "$@"; do
    grep -lF "\"$ROOT/$file\"" "${groups[@]}" || printf '%s\n' "$file"
  done | sort -u
}

check_tidy() {
  local files
  mapfile -t files < <(tidy_files)
  if [[ ${#files[@]} -eq 0 ]]; then
    say "clang-tidy: no file differs"
    return 0
  fi
  say "clang-tidy: ${#files[@]} files"
  configure asan  # for its compile commands
  tidy_units "${files[@]}" | xargs -P "$(nproc)" -n 1 clang-tidy --quiet -p build-asan \
    --extra-arg=-Wno-unknown-warning-option 2> >(grep -v 'warnings\? generated' >&2)
}

lint() {
  local status=0
  check_scripts || status=1
  say "clang-format: $(own_sources | wc -l) files"
  check_format || { status=1; printf 'dev: ./dev fmt lays the sources out\n' >&2; }
  check_tidy || status=1
  return "$status"
}

cmd_lint() {
  no_arguments lint "$@"
  ensure_packages
  lint || fail "lint found something"
  say "lint found nothing"
}

cmd_fmt() {
  no_arguments fmt "$@"
  ensure_packages
  own_sources | xargs -P "$(nproc)" -n 16 clang-format -i
}

# ---- test

RESULTS=()  # "ok|FAILED NAME SECONDS REMARK"
PASSED=0
FAILED=0

# step NAME COMMAND...: runs it, keeps the outcome, never ends the script.
step() {
  local name=$1 begin=$SECONDS verdict=ok
  shift
  say "$name"
  REMARK=
  if "$@"; then
    [[ -n $REMARK ]] || PASSED=$((PASSED + 1))
  else
    verdict=FAILED
    [[ -n $REMARK ]] || FAILED=$((FAILED + 1))
  fi
  RESULTS+=("$(printf '%-6s  %-44s %4d s  %s' "$verdict" "$name" $((SECONDS - begin)) "$REMARK")")
  [[ $verdict == ok ]]
}

# run_ctest FOLDER LABELS: counts the single tests; what failed shows all its output.
run_ctest() {
  local folder=$1 labels=$2 log=$1/ctest.log status=0 failed total
  # More than the processors: the system tests mostly wait.
  ctest --test-dir "$folder" -L "$labels" --output-on-failure --no-tests=error -j $(($(nproc) * 3)) | tee "$log" || status=$?
  read -r failed total < <(sed -nE 's/.* ([0-9]+) tests failed out of ([0-9]+)$/\1 \2/p' "$log") || true
  if [[ -n ${total:-} ]]; then
    PASSED=$((PASSED + total - failed))
    FAILED=$((FAILED + failed))
    if ((status != 0 && failed == 0)); then FAILED=$((FAILED + 1)); fi
    REMARK="$((total - failed)) of $total tests passed"
  fi
  return "$status"
}

# Prints the executables of a build folder whose name matches, one a line: bin/NAME.
programs_matching() { ninja -C "$1" -t targets all | sed -nE "s,^(bin/$2):.*,\1,p"; }

# fuzz_one TARGET: bin/NAME_fuzz with its corpus; the log shows only when it fails.
fuzz_one() {
  local name=${1#bin/} corpus=()
  [[ ! -d tests/fuzz/corpus/$name ]] || corpus=("$ROOT/tests/fuzz/corpus/$name")
  mkdir -p "build-asan/fuzz/$name"
  say "$name, $FUZZ_SECONDS s"
  logged "build-asan/fuzz/$name.log" "build-asan/$1" -max_total_time="$FUZZ_SECONDS" -max_len=65536 -timeout=10 \
    -artifact_prefix="build-asan/fuzz/$name/crash-" "build-asan/fuzz/$name" "${corpus[@]}"
}

fuzz_smoke() {
  local targets i pid pids=() status=0
  mapfile -t targets < <(programs_matching build-asan '[a-z0-9_]+_fuzz')
  [[ ${#targets[@]} -gt 0 ]] || { printf 'dev: build-asan has no program named *_fuzz\n' >&2; return 1; }
  for i in "${!targets[@]}"; do
    if ((i >= $(nproc))); then wait "${pids[i - $(nproc)]}" || true; fi
    fuzz_one "${targets[i]}" &
    pids+=($!)
  done
  for pid in "${pids[@]}"; do wait "$pid" || status=1; done
  return "$status"
}

# Runs the commands of the documents on a farm of their own, with the sanitized build's programs. In a subshell, whose end
# stops the farm whatever happens.
docs_commands() (
  BIN=build-asan/bin
  state=$(mktemp -d "${TMPDIR:-/tmp}/paddock-docs.XXXXXX")
  port=$(free_port)
  trap 'farm_down "$state"' EXIT
  farm_up "$state" "$port" || exit 1
  PADDOCK_SERVER=127.0.0.1:$port python3 tests/docs_commands/run_docs_commands.py "$BIN" README.md docs || {
    printf 'dev: the farm'"'"'s logs are in %s\n' "$state/logs" >&2
    exit 1
  }
  farm_down "$state"
  rm -rf "$state"
)

address_sanitizer_steps() {
  step "build with AddressSanitizer and UBSan" build asan build-asan || return 0
  start_thread_sanitizer_build
  step "unit, golden, conformance, rpc and system tests" run_ctest build-asan 'unit|golden|conformance|rpc|system' || true
  step "fuzzing, a few seconds for each target" fuzz_smoke || true
  step "commands of the documents" docs_commands || true
}

# The tests mostly wait: what they leave of the processors goes to the next build. Where the kernel shares processors out among
# sessions, niceness counts within one only, and that of the session is set beside it.
start_thread_sanitizer_build() {
  configure tsan || return 0
  setsid bash -c 'echo 19 >/proc/self/autogroup; exec nice -n 19 "$@"' build \
    ninja -C build-tsan -j "$(jobs_at_once)" tests/unit/all >"$CACHE_DIR/logs/build-tsan.log" 2>&1 &
  THREAD_SANITIZER_BUILD=$!
  trap 'kill -- "-$THREAD_SANITIZER_BUILD" 2>/dev/null || true' EXIT
}

finish_thread_sanitizer_build() {
  if [[ -n ${THREAD_SANITIZER_BUILD:-} ]]; then
    tail --pid="$THREAD_SANITIZER_BUILD" -n +1 -f "$CACHE_DIR/logs/build-tsan.log"
    wait "$THREAD_SANITIZER_BUILD"
  else
    build tsan build-tsan tests/unit/all
  fi
}

thread_sanitizer_steps() {
  step "build with ThreadSanitizer, begun beside the tests" finish_thread_sanitizer_build || return 0
  step "unit tests under ThreadSanitizer" run_ctest build-tsan unit || true
}

quick_steps() {
  step "build of the unit tests with AddressSanitizer and UBSan" \
    build asan build-asan tests/unit/all tests/golden/all || return 0
  step "unit and golden tests" run_ctest build-asan 'unit|golden' || true
  step "format" check_format || true
}

cmd_test() {
  local quick=
  if [[ ${1:-} == --quick ]]; then
    quick=yes
    shift
  fi
  [[ $# -eq 0 ]] || usage_error "./dev test knows only --quick, not '$*'"
  SECONDS=0
  set_up
  if [[ -n $quick ]]; then
    quick_steps
  else
    address_sanitizer_steps
    thread_sanitizer_steps
    step "lint" lint || true
  fi
  say "summary"
  printf '%s\n' "${RESULTS[@]}"
  printf '%d passed, %d failed in %d s\n' "$PASSED" "$FAILED" "$SECONDS"
  ((FAILED == 0))
}

# ---- bench

cmd_bench() {
  local target targets status=0
  if [[ ${1:-} == --build ]]; then
    shift
    no_arguments "bench --build" "$@"
    ensure_packages
    tests/bench/build_time.sh
    return
  fi
  [[ $# -eq 0 ]] || usage_error "./dev bench knows only --build, not '$*'"
  set_up
  build release build-release "${PROGRAMS[@]}" tests/bench/all >&2
  mapfile -t targets < <(programs_matching build-release 'bench_[a-z0-9_]+')
  [[ ${#targets[@]} -gt 0 ]] || fail "build-release has no program named bench_*"
  if [[ -z ${PADDOCK_SHARED:-} && -d ../shared ]]; then PADDOCK_SHARED=$(realpath ../shared); fi
  export PADDOCK_SHARED=${PADDOCK_SHARED:-}
  for target in "${targets[@]}"; do
    say "${target#bin/}"
    "build-release/$target" || status=1
  done
  return "$status"
}
