# Sourced: a Docker engine and a registry of its own for the tests, on private sockets, folders and ports, and an image
# with Python and Node to run real servers in. Nothing of it touches an engine that runs already.
#
# After `engine_up`: DOCKER_HOST, IMAGE (by digest), BARE (an image without a shell), REGISTRY. `engine_down` ends it all.

CACHE="${PORTOLAN_TEST_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/portolan-tests}"
KEEP="$CACHE/containers"
ENGINE=
STARTED=()

need() { # need COMMAND PACKAGE
  command -v "$1" >/dev/null 2>&1 && return
  DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$2" >/dev/null 2>&1 ||
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "$2" >/dev/null; }
}

wait_for() { # wait_for WHAT COMMAND...
  local what=$1 n
  shift
  for ((n = 0; n < 300; n++)); do
    "$@" >/dev/null 2>&1 && return
    sleep 0.1
  done
  echo "$what does not come up" >&2
  return 1
}

docker_() { docker --host "$DOCKER_HOST" "$@"; }

engine_up() {
  [ "$(id -u)" = 0 ] || { echo "a Docker engine of its own needs root" >&2 && return 1; }
  need dockerd docker.io && need docker docker.io && need docker-registry docker-registry || return 1
  mkdir -p "$KEEP"
  # Two engines cannot have one folder.
  exec 7>"$KEEP/lock"
  flock --wait 1800 7 || { echo "another run of these tests holds $KEEP" >&2 && return 1; }
  ENGINE=$(mktemp -d /tmp/portolan-engine.XXXXXX)
  chmod 711 "$ENGINE" # Who is in the engine's group comes through.
  export DOCKER_HOST="unix://$ENGINE/docker.sock"
  REGISTRY=127.0.0.1:$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  engine_start || return 1
  registry_start || return 1
  image_up
}

engine_start() {
  # A script, because a test kills the engine and starts it again.
  export ENGINE_START="$ENGINE/start"
  cat >"$ENGINE_START" <<SH
#!/bin/sh
rm -f "$ENGINE/pid" "$ENGINE/exec/containerd/containerd.pid"
exec dockerd --host "$DOCKER_HOST" --data-root "$KEEP/docker" --exec-root "$ENGINE/exec" --pidfile "$ENGINE/pid" \\
  --bridge none --iptables=false --ip6tables=false --ip-forward=false --ip-masq=false >>"$ENGINE/log" 2>&1
SH
  chmod +x "$ENGINE_START"
  "$ENGINE_START" 7>&- &
  wait_for "the engine" docker_ version || { tail -5 "$ENGINE/log" >&2 && return 1; }
}

registry_start() {
  cat >"$ENGINE/registry.yml" <<YAML
version: 0.1
log: {level: error}
storage: {filesystem: {rootdirectory: $ENGINE/registry}}
http: {addr: $REGISTRY}
YAML
  docker-registry serve "$ENGINE/registry.yml" >>"$ENGINE/registry.log" 2>&1 7>&- &
  STARTED+=($!)
  wait_for "the registry" python3 -c "import urllib.request; urllib.request.urlopen('http://$REGISTRY/v2/')"
}

# Debian with Python by debootstrap, and the servers that are run in it: made once and kept.
root_up() {
  local root="$KEEP/rootfs" here
  [ ! -f "$root/.complete" ] || return 0
  need debootstrap debootstrap || return 1
  mkdir -p "$KEEP"
  here=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
  rm -rf "$root"
  local mirror
  mirror=$(sed -nE 's/^(URIs:|deb) +(\[[^]]*\] +)?(https?:[^ ]*\/debian)\/?( .*|$)/\3/p' \
    /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | head -1)
  debootstrap --variant=minbase --include=python3 bookworm "$root" "${mirror:-http://deb.debian.org/debian}" \
    >"$KEEP/debootstrap.log" 2>&1 || { tail -3 "$KEEP/debootstrap.log" >&2 && return 1; }
  rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/usr/share/{doc,man,locale}
  python3 -m pip install -q --disable-pip-version-check --target "$root/opt/python" --python-version 3.11 \
    --only-binary=:all: mcp-server-time==2026.10.19 || return 1
  PORTOLAN_TEST_CACHE="$CACHE" python3 "$here/packages.py" node everything >"$KEEP/folders" || return 1
  install -D "$(sed -n 1p "$KEEP/folders")/node" "$root/usr/local/bin/node"
  mkdir -p "$root/opt/everything"
  cp -a "$(sed -n 2p "$KEEP/folders")/node_modules" "$root/opt/everything/"
  touch "$root/.complete"
}

image_up() {
  local root="$KEEP/rootfs"
  root_up || return 1
  if ! docker_ image inspect portolan-test:base >/dev/null 2>&1; then
    tar -C "$root" --exclude=./.complete --numeric-owner -c . | docker_ import \
      --change 'ENV PYTHONPATH=/opt/python PATH=/usr/local/bin:/usr/bin:/bin' --change 'CMD ["python3"]' \
      --change 'LABEL io.docker.server.metadata="{name: base, title: A test, description: Debian with Python and Node, command: [sh], volumes: [/:/host]}"' \
      - portolan-test:base >/dev/null || return 1
  fi
  docker_ tag portolan-test:base "$REGISTRY/portolan/base:1"
  docker_ push -q "$REGISTRY/portolan/base:1" >/dev/null || return 1
  IMAGE=$(docker_ image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$REGISTRY/portolan/base:1" | grep "^$REGISTRY/")
  export IMAGE REGISTRY
}

# Whatever is in the engine, besides images.
engine_left() { docker_ ps -aq --no-trunc; }

engine_down() {
  [ -n "$ENGINE" ] || return 0
  docker_ image rm -f "$REGISTRY/portolan/base:1" "$IMAGE" >/dev/null 2>&1
  for pid in "${STARTED[@]}" $(cat "$ENGINE/pid" 2>/dev/null); do
    kill -TERM "$pid" 2>/dev/null
    for ((n = 0; n < 200; n++)); do
      kill -0 "$pid" 2>/dev/null || break
      sleep 0.1
    done
  done
  # One that was killed leaves its mounts.
  findmnt -rno TARGET | grep -E "^($KEEP/docker|$ENGINE)" | sort -r | xargs -r umount -l
  rm -rf "$ENGINE"
  exec 7>&-
}
