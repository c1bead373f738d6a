# Building with the presets of CMakePresets.json. Sourced by ./dev.

PROGRAMS=(bin/paddockd bin/paddock-agent bin/paddock-worker bin/paddock)

# As many compilers as there are processors, but no more than one for each GiB of memory.
jobs_at_once() {
  local processors gib
  processors=$(nproc)
  gib=$(awk '/^MemTotal:/ { print int($2 / 1048576) + 1 }' /proc/meminfo)
  echo $((processors < gib ? processors : gib))
}

configure() {
  local preset=$1 options=()
  if [[ ${CI:-} == true ]]; then options+=(-DPADDOCK_WERROR=ON); fi
  logged "$CACHE_DIR/logs/configure-$preset.log" cmake --preset "$preset" "${options[@]}"
}

# build PRESET FOLDER [TARGET...]
build() {
  local preset=$1 folder=$2
  shift 2
  configure "$preset" && ninja -C "$folder" -j "$(jobs_at_once)" "$@"
}

build_programs() {
  say "building the programs into build/bin"
  build dev build "${PROGRAMS[@]}" >&2
}

cmd_build() {
  no_arguments build "$@"
  ensure_packages
  build_programs
}
