#!/usr/bin/env bash
# Build times without ccache on two processors: the programs from nothing, everything else, and again after one .cc was touched.
# Run by `./dev bench --build`; takes as long as it measures. Leaves nothing behind.
set -euo pipefail

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
PROGRAMS=(bin/paddockd bin/paddock-agent bin/paddock-worker bin/paddock)
TOUCHED=server/core/scheduler.cc
folder=$(mktemp -d "${TMPDIR:-/tmp}/paddock-build.XXXXXX")
copy=$folder/source
trap 'rm -rf "$folder"' EXIT
export CCACHE_DISABLE=1

seconds() {
  local begin end
  begin=$(date +%s.%N)
  "$@" >"$folder/log" 2>&1 || { tail -n 20 "$folder/log" >&2; exit 1; }
  end=$(date +%s.%N)
  awk -v begin="$begin" -v end="$end" 'BEGIN { printf "%.1f", end - begin }'
}

# Two processors, as the goals say, where there are more.
on_two() { taskset -c "$(taskset -cp $$ | sed 's/.*: //' | awk -F, '{ print (NF > 1 ? $1 "," $2 : $1) }')" "$@"; }

mkdir "$copy"
git -C "$ROOT" ls-files -z | tar -C "$ROOT" --null -T - -cf - | tar -C "$copy" -xf -
(cd "$copy" && cmake --preset dev -B "$folder/build" >"$folder/log")
programs=$(seconds on_two ninja -C "$folder/build" -j 2 "${PROGRAMS[@]}")
rest=$(seconds on_two ninja -C "$folder/build" -j 2)
again=()
for _ in 1 2 3; do
  touch "$copy/$TOUCHED"
  again+=("$(seconds on_two ninja -C "$folder/build" -j 2)")
done
middle=$(printf '%s\n' "${again[@]}" | sort -n | sed -n 2p)
printf '\nBuild times, -j 2, ccache off\n%-50s %14s  %12s  %s\n' figure measured goal 'all rounds'
printf '%-50s %14s  %12s  %s\n' 'clean build of the programs, s' "$programs" '<= 360' "$programs"
printf '%-50s %14s  %12s  %s\n' 'everything else: tests and benchmarks, s' "$rest" '' "$rest"
printf '%-50s %14s  %12s  %s\n' "after touching $TOUCHED, s" "$middle" '<= 20' "${again[*]}"
