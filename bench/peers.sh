#!/bin/bash
# Measures qcow2target beside its peers on this machine and prints a table in Markdown, as it stands in docs/performance.md.
#
#   bench/peers.sh [--rounds N] [--seconds N] [--size MIB]      3 rounds of 3 seconds on disks of 1024 MiB, 6 minutes
#
# Everything is started here, on loopback and on files of its own, and ended again:
#   qcow2target      a Release build, serving a qcow2 image of random data, fully allocated
#   tgtd raw         tgtd serving the same data as a raw file
#   tgtd null        tgtd without a disk behind it: what its protocol code costs
#   qemu-nbd         serving a qcow2 file of the same data: a lighter protocol, the same format
# In each round all four take their turn at each load, so that a drift of the machine meets all alike; the figure is the median of the
# rounds. All files are in the page cache. On a shared machine only the ratios say something.
#
# Debian packages: gcc libiscsi-dev tgt qemu-utils fio jq
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

rounds=3 seconds=3 size=1024
while (($#)); do
    case $1 in
        --rounds) rounds=$2 ;;
        --seconds) seconds=$2 ;;
        --size) size=$2 ;;
        *) sed -n '2,14s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
    shift 2
done
for tool in gcc tgtd tgtadm qemu-img qemu-nbd fio jq dotnet; do
    command -v "$tool" >/dev/null || { echo "peers.sh: $tool is missing" >&2; exit 2; }
done

work=$(mktemp -d)
servers=()
clean_up() {
    for pid in "${servers[@]}"; do { kill -9 "$pid" && wait "$pid"; } 2>/dev/null || true; done
    rm -rf "$work"
}
trap clean_up EXIT
stop() { cat "$work"/*.log >&2; echo "peers.sh: $*" >&2; exit 2; }

# Waits until a command succeeds, at most 20 seconds.
until_it_works() {
    local end=$((SECONDS + 20))
    until "$@" >/dev/null 2>&1; do ((SECONDS < end)) || return 1; read -rt 0.1 <> <(:) || true; done
}
answers_on() { : <>"/dev/tcp/127.0.0.1/$1"; }
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); answers_on "$port" 2>/dev/null; do :; done
    echo "$port"
}

prepare() {
    gcc -O2 -o "$work/iscsiload" "$here/iscsiload.c" -liscsi
    dotnet build "$root/src/Qcow2Target.Server" -c Release -v quiet >&2
    dotnet build "$root/src/Qcow2Target.Admin" -c Release -v quiet >&2
    mkdir "$work/disks"
    head -c "${size}M" /dev/urandom >"$work/peer.raw"
    qemu-img convert -f raw -O qcow2 "$work/peer.raw" "$work/peer.qcow2"
    cp "$work/peer.qcow2" "$work/disks/disk.qcow2"
}

built() { echo "$root/artifacts/Embedded/bin/$1/release/$2"; }
admin() { "$(built Qcow2Target.Admin qcow2targetadmin)" "$@" --socket "$work/control.sock"; }
start_qcow2target() {
    local port; port=$(free_port)
    "$(built Qcow2Target.Server qcow2target)" --disks-root "$work/disks" --state-dir "$work/state" \
        --control-socket "$work/control.sock" --portal "127.0.0.1:$port" >"$work/qcow2target.log" 2>&1 &
    servers+=($!)
    until_it_works answers_on "$port" && until_it_works admin list || stop "qcow2target did not start"
    admin addtarget -t iqn.2018-05.local:bench >/dev/null
    admin attach -t iqn.2018-05.local:bench -d disk.qcow2 >/dev/null
    url[qcow2target]=iscsi://127.0.0.1:$port/iqn.2018-05.local:bench/0
}
start_tgtd() {
    local port channel=$((1 + RANDOM % 30000)); port=$(free_port)
    tgtd -f --iscsi "portal=127.0.0.1:$port" -C "$channel" >"$work/tgtd.log" 2>&1 &
    servers+=($!)
    adm() { tgtadm -C "$channel" --lld iscsi "$@"; }
    until_it_works adm --op show --mode target || stop "tgtd did not start"
    adm --op new --mode target --tid 1 -T iqn.2018-05.local:peer
    adm --op new --mode logicalunit --tid 1 --lun 1 -b "$work/peer.raw" --bstype rdwr
    adm --op new --mode logicalunit --tid 1 --lun 2 -b "$work/null" --bstype null
    adm --op bind --mode target --tid 1 -I ALL
    url[tgtd raw]=iscsi://127.0.0.1:$port/iqn.2018-05.local:peer/1
    url[tgtd null]=iscsi://127.0.0.1:$port/iqn.2018-05.local:peer/2
}
start_qemu_nbd() {
    local port; port=$(free_port)
    qemu-nbd -f qcow2 -e 8 -t -b 127.0.0.1 -p "$port" --cache=writeback --aio=io_uring "$work/peer.qcow2" >"$work/qemu-nbd.log" 2>&1 &
    servers+=($!)
    until_it_works answers_on "$port" || stop "qemu-nbd did not start"
    url[qemu-nbd]=nbd://127.0.0.1:$port
}

# name | bytes | depth | percent of writes | order
loads=(
    'read 4k, depth 1|4096|1|0|random' 'write 4k, depth 1|4096|1|100|random'
    'read 4k, depth 32|4096|32|0|random' 'write 4k, depth 32|4096|32|100|random' '70/30 4k, depth 32|4096|32|30|random'
    'read 64k, depth 16|65536|16|0|random' 'write 64k, depth 16|65536|16|100|random'
    'sequential read 1M, depth 8|1048576|8|0|sequential' 'sequential write 1M, depth 8|1048576|8|100|sequential'
)
peers=(qcow2target 'tgtd raw' 'tgtd null' qemu-nbd)
declare -A url

over_iscsi() { # url bytes depth writes order: requests per second
    local order=(); [[ $5 == sequential ]] && order=(--sequential)
    "$work/iscsiload" --seconds "$seconds" --bytes "$2" --depth "$3" --writes "$4" --span "$size" "${order[@]}" "$1" | awk '{ print $1 }'
}
over_nbd() {
    local kind=rw; (($4 == 0)) && kind=read; (($4 == 100)) && kind=write
    [[ $5 == random ]] && kind=rand$kind
    fio --name=load --ioengine=nbd --uri="$1" --rw="$kind" --rwmixwrite="$4" --bs="$2" --iodepth="$3" --time_based --runtime="$seconds" \
        --size="${size}m" --thread --output-format=json 2>/dev/null | sed -n '/^{/,$p' | jq '.jobs[0] | .read.iops + .write.iops | floor'
}
measure() { if [[ $1 == nbd:* ]]; then over_nbd "$@"; else over_iscsi "$@"; fi; }
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

prepare
start_qcow2target
start_tgtd
start_qemu_nbd

changes=; git -C "$root" diff --quiet HEAD || changes=' with local changes'
echo "Measured $(date -u +%Y-%m-%d) at commit $(git -C "$root" rev-parse --short HEAD)$changes, by \`bench/peers.sh --rounds $rounds --seconds $seconds --size $size\`,"
echo "on $(nproc) processors ($(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)), Linux $(uname -r), .NET $(dotnet --version), tgt $(tgtd --version),"
echo "$(qemu-nbd --version | head -1). Requests per second (MiB/s), the median of the rounds; then what qcow2target does for each one of the peer."
echo
echo '| Load | qcow2target | tgtd raw | tgtd null | qemu-nbd | / tgtd raw | / tgtd null | / qemu-nbd |'
echo '|---|--:|--:|--:|--:|--:|--:|--:|'
for load in "${loads[@]}"; do
    IFS='|' read -r name bytes depth writes order <<<"$load"
    declare -A figures=()
    for ((round = 0; round < rounds; round++)); do
        cat "$work/peer.raw" "$work/peer.qcow2" "$work/disks/disk.qcow2" >/dev/null
        for peer in "${peers[@]}"; do
            figure=$(measure "${url[$peer]}" "$bytes" "$depth" "$writes" "$order") || stop "$peer failed at $name"
            figures[$peer]+="$figure"$'\n'
        done
    done
    for peer in "${peers[@]}"; do figures[$peer]=$(printf '%s' "${figures[$peer]}" | median); done
    awk -v name="$name" -v bytes="$bytes" -v a="${figures[qcow2target]}" -v b="${figures[tgtd raw]}" -v c="${figures[tgtd null]}" -v d="${figures[qemu-nbd]}" '
        function both(n) { return sprintf("%.0f (%.0f)", n, n * bytes / 1048576) }
        BEGIN { printf "| %s | %s | %s | %s | %s | %.2f | %.2f | %.2f |\n", name, both(a), both(b), both(c), both(d), a / b, a / c, a / d }'
done
