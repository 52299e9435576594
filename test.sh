#!/bin/bash
# Builds everything and runs the tests. The last line is always `N passed, N failed, N skipped`.
#
#   ./test.sh          all of it, at most 15 minutes on 2 cores
#   ./test.sh --fast   at most 2 minutes: without the end-to-end project (the real daemon as a child process), the analyzers, and what is marked
#                      as [Trait("Length", "Long")]
#
# Tools the tests drive (qemu-img, libiscsi's test suite, strace, a virtual machine) are installed with apt where they are missing and that is allowed. A tool that
# stays missing fails the run: a skipped interoperability test would look like a passed one.
set -euo pipefail
cd "$(dirname "$0")"

fast=no
case ${1:-} in
    '') ;;
    --fast) fast=yes ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "test.sh: unknown option '$1' (there is only --fast)" >&2; exit 2 ;;
esac

export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1
export MSBUILDDISABLENODEREUSE=1                       # no build processes are left behind, they would keep a CI job's output open
# One compiler for all projects halves the build. It is this run's own and ends with it, whatever is set elsewhere.
compiler=qcow2target-$$
build=(-p:UseSharedCompilation=true -p:SharedCompilationId="$compiler")
filter=()
if [[ $fast == yes ]]; then build+=(-p:RunAnalyzers=false) filter=(--filter 'Length!=Long'); fi
trap 'pkill -f "pipename:$compiler" || true' EXIT
if [[ ! -w ${HOME:-/nowhere} ]]; then HOME=$(mktemp -d); export HOME; fi

configuration=Release                                  # one build serves the tests and the daemon that the end-to-end tests start
solution=Qcow2Target.sln
results=artifacts/test-results
rm -rf "$results"
mkdir -p "$results"

started=$SECONDS
passed=0 failed=0 skipped=0
step() { echo "== $* ($((SECONDS - started)) s)"; }
finish() {
    echo "$passed passed, $failed failed, $skipped skipped"
    ((failed == 0 && passed > 0)) && exit 0
    exit 1
}
# What breaks before a test can run counts as one failure, so that the last line never looks green.
broken() { echo "test.sh: $*" >&2; failed=$((failed + 1)); finish; }

iscsi_driver_is_there() { compgen -G '/usr/lib/*/qemu/block-iscsi.so' >/dev/null || compgen -G '/usr/lib*/qemu-kvm/block-iscsi.so' >/dev/null; }
network_boot_rom_is_there() { compgen -G '/usr/lib/ipxe/qemu/efi-virtio.rom' >/dev/null || compgen -G '/usr/share/*/efi-virtio.rom' >/dev/null; }
tool_is_there() {
    case $1 in
        block-iscsi) iscsi_driver_is_there ;;
        network-boot-rom) network_boot_rom_is_there ;;
        *) command -v "$1" >/dev/null ;;
    esac
}

# tool:package pairs
tools=(qemu-img:qemu-utils qemu-io:qemu-utils block-iscsi:qemu-block-extra iscsi-ls:libiscsi-bin iscsi-test-cu:libiscsi-bin strace:strace)
if [[ $fast == no ]]; then
    # A Linux in a virtual machine, for the kernel's own initiator; and iPXE in one without disks.
    tools+=(network-boot-rom:ipxe-qemu qemu-system-x86_64:qemu-system-x86 busybox:busybox-static iscsistart:open-iscsi depmod:kmod cpio:cpio mke2fs:e2fsprogs)
fi

install_tools() {
    local pair packages=() as_root=()
    for pair in "${tools[@]}"; do tool_is_there "${pair%:*}" || packages+=("${pair#*:}"); done
    ((${#packages[@]})) || return 0
    if ((EUID != 0)); then as_root=(sudo -n); fi
    if command -v apt-get >/dev/null; then
        step "installing ${packages[*]}"
        local apt=("${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq)
        { "${apt[@]}" install -y --no-install-recommends "${packages[@]}" ||
            { "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${packages[@]}"; }; } </dev/null >"$results/apt.log" 2>&1 || true
    fi
    for pair in "${tools[@]}"; do
        tool_is_there "${pair%:*}" || broken "${pair%:*} is missing and could not be installed (Debian package ${pair#*:})"
    done
}

# Runs one built test project; leaves its output in the results folder and its counts in a trx file beside it.
run_project() {
    local name=$1 limit=$2 hang=$3
    local dll=artifacts/Embedded/bin/$name/${configuration,,}/$name.dll status=0
    timeout --kill-after=10 "$limit" dotnet test "$dll" "${filter[@]}" --results-directory "$results" --logger "trx;LogFileName=$name.trx" \
        --logger "console;verbosity=normal" --blame-hang-timeout "$hang" --blame-hang-dump-type none </dev/null >"$results/$name.log" 2>&1 || status=$?
    echo "$status" >"$results/$name.status"
}

# Adds one project's counts to the totals. A run that ended badly without a failed test (a crash, a hang) is a failure too.
count_project() {
    local name=$1 status counters total=0 executed=0 ok=0 bad=0
    status=$(cat "$results/$name.status" 2>/dev/null || echo 255)
    counters=$(grep -o '<Counters [^>]*>' "$results/$name.trx" 2>/dev/null | head -1 || true)
    field() { sed -n "s/.* $1=\"\([0-9]*\)\".*/\1/p" <<<"$counters"; }
    if [[ -n $counters ]]; then
        total=$(field total) executed=$(field executed) ok=$(field passed)
        bad=$((executed - ok))
    fi
    if ((status != 0 && bad == 0)); then
        bad=1
        if ((status == 124 || status == 137)); then echo "test.sh: $name ran into its time limit" >&2
        else echo "test.sh: $name ended with status $status" >&2; fi
    fi
    printf '%-42s %5d passed %4d failed %4d skipped\n' "$name" "$ok" "$bad" $((total - executed))
    if ((bad > 0)); then
        grep -vE '^\s+Passed |^\s*$' "$results/$name.log" | tail -n 200 || true
    fi
    passed=$((passed + ok)) failed=$((failed + bad)) skipped=$((skipped + total - executed))
}

command -v dotnet >/dev/null || broken "dotnet is missing: install the .NET SDK that global.json names"
install_tools

step restore
dotnet restore "$solution" -v quiet </dev/null || broken "the restore failed"
step build
dotnet build "$solution" -c "$configuration" --no-restore -warnaserror -v quiet "${build[@]}" </dev/null || broken "the build failed"
# The whole check loads every project and analyzer once more, which the fast run has no time for.
format=(dotnet format "$solution" --no-restore)
if [[ $fast == yes ]]; then format=(dotnet format whitespace . --folder --exclude artifacts); fi
step "${format[*]}"
"${format[@]}" --verify-no-changes </dev/null || broken "${format[*]} would change something"

# The longest first, so that the others run beside it.
mapfile -t projects < <(find tests -name '*.Tests.csproj' -printf '%f\n' | sed 's/\.csproj$//' | grep -v EndToEnd |
    while read -r name; do echo "$(find "tests/$name" -name '*.cs' | wc -l) $name"; done | sort -rn | cut -d' ' -f2)
# Their images are small and many, and what they sync need not outlive the run: in memory if there is enough.
unit_tmp=${TMPDIR:-/tmp}
if [[ -w /dev/shm && $(df --output=avail -k /dev/shm | tail -1) -gt $((4 << 20)) ]]; then unit_tmp=/dev/shm; fi
step "unit tests"
# Two at a time: the projects are short, the start of the test host is what takes long.
for name in "${projects[@]}"; do
    while (($(jobs -rp | wc -l) >= 2)); do wait -n || true; done
    TMPDIR=$unit_tmp run_project "$name" 240 120s &
done
wait
for name in "${projects[@]}"; do count_project "$name"; done

if [[ $fast == no ]]; then
    step "Linux guest"
    tests/guest/build.sh artifacts/guest || broken "the Linux guest could not be made (tests/guest/build.sh)"
    step "end-to-end tests"
    run_project Qcow2Target.EndToEnd.Tests 720 240s
    count_project Qcow2Target.EndToEnd.Tests
fi
step done
finish
