# Runs as process 1 of a machine under test, in mount and process namespaces of its own: directories that runtimes write to become private, so
# that the defaults of every program can be used and nothing of the host is touched. Ends, and everything in it, when its input ends.
set -eu
mount -t proc proc /proc
mount -t tmpfs tmpfs "$1"
for d in etc opt var/lib; do
  mkdir -p "$1/over/$d/upper" "$1/over/$d/work"
  mount -t overlay overlay -o "lowerdir=/$d,upperdir=$1/over/$d/upper,workdir=$1/over/$d/work" "/$d"
done
# Runtimes keep layers here; overlayfs cannot stand on itself.
for d in containerd containers weft; do
  mkdir -p "$1/state/$d" "/var/lib/$d"
  mount --bind "$1/state/$d" "/var/lib/$d"
done
mount -t tmpfs tmpfs /run
mkdir -p /run/netns /etc/cni/net.d /opt/cni/bin /etc/weft /etc/containerd /etc/containers
rm -f /etc/cni/net.d/* /var/lib/cni/results/*
mount --bind /run/netns /run/netns
mount --make-shared /run/netns
touch /run/machine-ready
exec 3<&0
cat <&3 >/dev/null &
input=$!
# Waiting reaps what daemons leave behind.
while kill -0 "$input" 2>/dev/null; do sleep 0.1 & wait $! || true; done
