#!/bin/bash
# Measures what peers that misbehave cost an initiator that works at the same time, and prints a table in Markdown, as it stands in docs/bad-peers.md.
#
#   bench/bad-peers.sh [--rounds N] [--seconds N] [--depth N] [KIND...]      5 rounds of 0.5 seconds at depth 1, all kinds: 3 minutes
#
# Each round measures one after the other: the load alone; the load beside the attack on the daemon; alone again; the load beside the same
# attack on a stand-in (badpeers sink), which lets everybody log in and then reads and forgets. The attacker and the daemon share this machine's
# processors, and what the attacker itself takes is no cost of ours: so the load beside the stand-in is what the load beside the attack
# is compared with. The column "alone" compares with the load alone. Figures are medians of the rounds.
#
# Kinds are those of badpeers.c. The connections of an attack come from four loopback addresses.
# Debian packages: gcc libiscsi-dev qemu-utils
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
root=$(dirname "$here")

rounds=5 seconds=0.5 depth=1
while (($#)); do
    case $1 in
        --rounds) rounds=$2 ;;
        --seconds) seconds=$2 ;;
        --depth) depth=$2 ;;
        -*) sed -n '2,13s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
        *) break ;;
    esac
    shift 2
done
kinds=("$@")
((${#kinds[@]})) || kinds=(hold connect garbage drip unknown nexus logins digest pings deaf dataout writes)

work=$(mktemp -d)
children=()
clean_up() {
    for pid in "${children[@]}"; do { kill -9 "$pid" && wait "$pid"; } 2>/dev/null || true; done
    rm -rf "$work"
}
trap clean_up EXIT
stop() { cat "$work"/*.log >&2; echo "bad-peers.sh: $*" >&2; exit 2; }
built() { echo "$root/artifacts/Embedded/bin/$1/release/$2"; }
admin() { "$(built Qcow2Target.Admin qcow2targetadmin)" "$@" --socket "$work/control.sock"; }
answers_on() { : <>"/dev/tcp/127.0.0.1/$1"; }
until_it_works() {
    local end=$((SECONDS + 20))
    until "$@" >/dev/null 2>&1; do ((SECONDS < end)) || return 1; read -rt 0.1 <> <(:) || true; done
}
free_port() {
    local port
    while port=$((20000 + RANDOM % 12000)); answers_on "$port" 2>/dev/null; do :; done
    echo "$port"
}
median() { sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'; }

target=iqn.2018-05.local:bench
gcc -O2 -Wall -o "$work/iscsiload" "$here/iscsiload.c" -liscsi
gcc -O2 -Wall -o "$work/badpeers" "$here/badpeers.c"
[[ -n ${BUILT:-} ]] || for project in Server Admin; do dotnet build "$root/src/Qcow2Target.$project" -c Release -v quiet >&2; done
mkdir "$work/disks"
head -c 64M /dev/urandom >"$work/raw"
qemu-img convert -f raw -O qcow2 "$work/raw" "$work/disks/disk.qcow2"
port=$(free_port) sink=$(free_port)
"$(built Qcow2Target.Server qcow2target)" --disks-root "$work/disks" --state-dir "$work/state" --control-socket "$work/control.sock" \
    --portal "127.0.0.1:$port" >"$work/daemon.log" 2>&1 &
daemon=$!
children+=("$daemon")
until_it_works answers_on "$port" && until_it_works admin list || stop "the daemon did not start"
admin addtarget -t "$target" >/dev/null
admin attach -t "$target" -d disk.qcow2 >/dev/null
"$work/badpeers" sink 127.0.0.1 "$sink" & children+=("$!")

load() { "$work/iscsiload" --seconds "$seconds" --depth "$depth" --span 64 "iscsi://127.0.0.1:$port/$target/0" | awk '{ print $1 }'; }
ticks() { awk '{ print $14 + $15 }' "/proc/$daemon/stat"; }
processors() { awk '/^cpu / { for (i = 2; i <= 9; i++) all += $i; print $9, all }' /proc/stat; }     # ticks that the host took, and all
resident() { awk '/VmRSS/ { print int($2 / 1024) }' "/proc/$daemon/status"; }
beside() { # kind port: the load while the attack runs; what the attack did goes to a file
    "$work/badpeers" --seconds "$(awk "BEGIN { print $seconds + 0.7 }")" "$1" 127.0.0.1 "$2" "$target" >"$work/attack" & local attack=$!
    read -rt 0.3 <> <(:) || true
    load
    wait "$attack"
}

read -r taken all < <(processors)
load >/dev/null     # the runtime compiles what it runs often
echo "Measured $(date -u +%Y-%m-%d) at commit $(git -C "$root" rev-parse --short HEAD), by \`bench/bad-peers.sh --rounds $rounds --seconds $seconds --depth $depth\`,"
echo "on $(nproc) processors, load of the machine at the start $(cut -d' ' -f1 /proc/loadavg). Requests of 4 KiB per second."
echo
echo '| Peers | attack in one round | beside nobody | beside the attack | beside the stand-in | / alone | / stand-in | resident MiB | log lines |'
echo '|---|---|--:|--:|--:|--:|--:|--:|--:|'
for kind in "${kinds[@]}"; do
    : >"$work/alone" >"$work/attacked" >"$work/stand-in" >"$work/ratio-alone" >"$work/ratio-sink"
    lines=$(wc -l <"$work/daemon.log")
    for ((round = 0; round < rounds; round++)); do
        before=$(load)
        attacked=$(beside "$kind" "$port")
        did=$(cat "$work/attack")
        after=$(load)
        stand_in=$(beside "$kind" "$sink")
        printf '%s\n%s\n' "$before" "$after" >>"$work/alone"
        echo "$attacked" >>"$work/attacked"
        echo "$stand_in" >>"$work/stand-in"
        awk "BEGIN { print 2 * $attacked / ($before + $after) }" >>"$work/ratio-alone"
        awk "BEGIN { print $attacked / $stand_in }" >>"$work/ratio-sink"
    done
    printf '| %s | %s | %.0f | %.0f | %.0f | %.2f | %.2f | %s | %s |\n' "$kind" "$did" "$(median <"$work/alone")" "$(median <"$work/attacked")" \
        "$(median <"$work/stand-in")" "$(median <"$work/ratio-alone")" "$(median <"$work/ratio-sink")" "$(resident)" $(($(wc -l <"$work/daemon.log") - lines))
done
read -r taken_now all_now < <(processors)
echo
echo "The host took $((100 * (taken_now - taken) / (all_now - all))) % of the processors' time for others; beyond a few, measure again."
