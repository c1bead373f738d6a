# What must be on the machine: Debian packages and the ONNX Runtime library. Sourced by ./dev.
# Both look before they fetch, so that a second run needs no network.

ORT_PACKAGE=onnxruntime-node
ORT_VERSION=1.30.0
ORT_SHA512='twhs1C2C/BFkz1yc5OY0KIU2GUq6DURO7hD4bx5Q2Qy3nAMJwRXW8xU3NVczE29VA9lolLOYepoD8fjTGOfIqw=='

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

# Prints the npm package's name for this machine's architecture.
ort_architecture() {
  case $(uname -m) in
    x86_64) echo x64 ;;
    aarch64) echo arm64 ;;
    *) fail "$ORT_PACKAGE has no library for $(uname -m); set PADDOCK_ONNXRUNTIME to your own libonnxruntime.so" ;;
  esac
}

system_onnxruntime() {
  local path
  path=$(PATH=$PATH:/usr/sbin:/sbin ldconfig -p 2>/dev/null | awk '/libonnxruntime\.so/ { print $NF; exit }')
  [[ -n $path ]] && echo "$path"
}

# Leaves the library at $1, or fails and leaves nothing.
fetch_onnxruntime() {
  local library=$1 member temporary archive sum
  member=package/bin/napi-v6/linux/$(ort_architecture)/libonnxruntime.so.1
  has npm || install_packages nodejs npm
  mkdir -p "$CACHE_DIR"
  temporary=$(mktemp -d "$CACHE_DIR/fetch.XXXXXX")
  say "fetching ONNX Runtime $ORT_VERSION, 113 MB (first run only)"
  logged "$CACHE_DIR/logs/npm-pack.log" npm pack "$ORT_PACKAGE@$ORT_VERSION" --ignore-scripts \
    --pack-destination "$temporary" --cache "$temporary/npm" || {
    rm -rf "$temporary"
    fail "cannot fetch $ORT_PACKAGE@$ORT_VERSION; check the network, or set PADDOCK_ONNXRUNTIME to a libonnxruntime.so"
  }
  archive=$temporary/$ORT_PACKAGE-$ORT_VERSION.tgz
  sum=$(openssl dgst -sha512 -binary "$archive" | openssl base64 -A)
  if [[ $sum != "$ORT_SHA512" ]]; then
    rm -rf "$temporary"
    fail "$ORT_PACKAGE-$ORT_VERSION.tgz is not what it should be and was removed: its sha512 is $sum, expected \
$ORT_SHA512; run again, and if it stays so, distrust your npm mirror"
  fi
  tar -xzf "$archive" -C "$temporary" "$member"
  mkdir -p "$(dirname "$library")"
  mv "$temporary/$member" "$library"
  rm -rf "$temporary"
}

# Sets and exports PADDOCK_ONNXRUNTIME: the configured path, else the system's library, else the pinned npm package's.
ensure_onnxruntime() {
  local library
  if [[ -n ${PADDOCK_ONNXRUNTIME:-} ]]; then
    [[ -f $PADDOCK_ONNXRUNTIME ]] || fail "PADDOCK_ONNXRUNTIME is '$PADDOCK_ONNXRUNTIME', but there is no such file"
  elif ! PADDOCK_ONNXRUNTIME=$(system_onnxruntime); then
    library=$CACHE_DIR/onnxruntime-$ORT_VERSION-linux-$(ort_architecture)/libonnxruntime.so.1
    [[ -f $library ]] || fetch_onnxruntime "$library"
    PADDOCK_ONNXRUNTIME=$library
  fi
  export PADDOCK_ONNXRUNTIME
}

ensure_packages() {
  local packages
  mapfile -t packages < <(grep -v '^#' scripts/debian_packages.txt)
  install_packages "${packages[@]}"
}

set_up() {
  ensure_packages
  ensure_onnxruntime
}
