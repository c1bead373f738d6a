# What must be on the machine: Debian packages and the runtimes' libraries. Sourced by ./dev.
# All look before they fetch, so that a second run needs no network.

# A runtime's library, and the npm package that has it for machines without: MEMBER of the package, in which ARCH stands
# for the word under this machine's name, is kept as FILE.
declare -A ONNXRUNTIME=(
  [title]='ONNX Runtime' [variable]=PADDOCK_ONNXRUNTIME [name]=onnxruntime [file]=libonnxruntime.so.1
  [system]='libonnxruntime[.]so' [package]=onnxruntime-node [version]=1.30.0 [megabytes]=113
  [sha512]='twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw=='
  [member]=package/bin/napi-v6/linux/ARCH/libonnxruntime.so.1 [x86_64]=x64 [aarch64]=arm64
)
declare -A TFLITE=(
  [title]='TensorFlow Lite' [variable]=PADDOCK_TFLITE [name]=tflite [file]=libtensorflowlite_c.so
  [system]='libtensorflowlite_c[.]so' [package]=tfjs-tflite-node [version]=0.0.2 [megabytes]=5
  [sha512]='Zed9biOz9lkWsekvPwdEmxXnsjXJnZO8iOV0s2Y20QU15cwiPedzFEBYiGbK7smYpkJpQNNY9SukoKmUi9bk9w=='
  [member]=package/cc_deps/linux_ARCH/libtensorflowlite_c.so [x86_64]=amd64 [aarch64]=arm64
)

as_root() {
  local sudo=()
  [[ $(id -u) -eq 0 ]] || sudo=(sudo)
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "$@"
}

# Prints those of the named packages that are not installed.
missing_packages() {
  dpkg-query -W -f '${binary:Package} ${db:Status-Status}\n' "$@" 2>/dev/null |
    awk -v wanted="$*" '
      { sub(/:.*/, "", $1); if ($2 == "installed") installed[$1] = 1 }
      END { count = split(wanted, names, " "); for (i = 1; i <= count; i++) if (!(names[i] in installed)) print names[i] }'
}

install_packages() {
  local missing
  mapfile -t missing < <(missing_packages "$@" || true)
  [[ ${#missing[@]} -gt 0 ]] || return 0
  has apt-get || fail "this set-up knows Debian's apt-get only; install by your own means: ${missing[*]}"
  if [[ $(id -u) -ne 0 ]]; then
    has sudo || fail "packages are missing and there is no sudo; as root run: apt-get install ${missing[*]}"
    sudo -v  # asks for the password here, where the user sees it
  fi
  say "installing ${#missing[@]} packages (first run only): ${missing[*]}"
  logged "$CACHE_DIR/logs/apt-update.log" as_root apt-get update ||
    fail "cannot read the package lists; check the network and /etc/apt/sources.list"
  logged "$CACHE_DIR/logs/apt-install.log" as_root apt-get install -y --no-install-recommends "${missing[@]}" ||
    fail "cannot install the packages; see $CACHE_DIR/logs/apt-install.log"
}

# library_architecture RUNTIME: prints the word of its npm package for this machine.
library_architecture() {
  local -n runtime=$1
  local word=${runtime[$(uname -m)]:-}
  [[ -n $word ]] || fail "${runtime[package]} has no library for $(uname -m); set ${runtime[variable]} to your own \
${runtime[file]}"
  echo "$word"
}

# system_library PATTERN: prints the first library that the system's loader finds under it.
system_library() {
  local path
  path=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null | awk -v pattern="$1" '$0 ~ pattern { print $NF; exit }')
  [[ -n $path ]] && echo "$path"
}

# fetch_library RUNTIME ARCHITECTURE PATH: leaves the library at PATH, or fails and leaves nothing.
fetch_library() {
  local -n runtime=$1
  local member=${runtime[member]/ARCH/$2} library=$3 package=${runtime[package]} version=${runtime[version]}
  local temporary archive sum
  has npm || install_packages nodejs npm
  mkdir -p "$CACHE_DIR"
  temporary=$(mktemp -d "$CACHE_DIR/fetch.XXXXXX")
  say "fetching ${runtime[title]} ($package $version, ${runtime[megabytes]} MB; first run only)"
  logged "$CACHE_DIR/logs/npm-pack.log" npm pack "$package@$version" --ignore-scripts \
    --pack-destination "$temporary" --cache "$temporary/npm" || {
    rm -rf "$temporary"
    fail "cannot fetch $package@$version; check the network, or set ${runtime[variable]} to a ${runtime[file]}"
  }
  archive=$temporary/$package-$version.tgz
  sum=$(openssl dgst -sha512 -binary "$archive" | openssl base64 -A)
  if [[ $sum != "${runtime[sha512]}" ]]; then
    rm -rf "$temporary"
    fail "$package-$version.tgz is not what it should be and was removed: its sha512 is $sum, expected \
${runtime[sha512]}; run again, and if it stays so, distrust your npm mirror"
  fi
  tar -xzf "$archive" -C "$temporary" "$member"
  mkdir -p "$(dirname "$library")"
  mv "$temporary/$member" "$library"
  rm -rf "$temporary"
}

# ensure_library RUNTIME: sets and exports its variable: the configured path, else the system's library, else the pinned
# npm package's.
ensure_library() {
  local -n runtime=$1
  local variable=${runtime[variable]} path architecture
  path=${!variable:-}
  if [[ -n $path ]]; then
    [[ -f $path ]] || fail "$variable is '$path', but there is no such file"
  elif ! path=$(system_library "${runtime[system]}"); then
    architecture=$(library_architecture "$1")
    path=$CACHE_DIR/${runtime[name]}-${runtime[version]}-linux-$architecture/${runtime[file]}
    [[ -f $path ]] || fetch_library "$1" "$architecture" "$path"
  fi
  export "$variable=$path"
}

ensure_packages() {
  local packages
  mapfile -t packages < <(grep -v '^#' scripts/debian_packages.txt)
  install_packages "${packages[@]}"
}

set_up() {
  ensure_packages
  ensure_library ONNXRUNTIME
  ensure_library TFLITE
}
