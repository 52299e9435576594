#!/bin/bash
# Talks to the daemon as no initiator should, over TCP, and gives any CDBs to its SCSI layer (docs/hostile-peers.md). Needs a built solution. Exit code 1 on a
# finding, which tells its seed and what was said.
#
#   tests/fuzz-protocol.sh                        the form of continuous integration: 100 seconds of PDUs and 100,000 CDBs, two minutes together
#   tests/fuzz-protocol.sh --inputs PDUS CDBS     so many
#   tests/fuzz-protocol.sh --seconds SECONDS      PDUs for so long, and 100,000 CDBs
#   tests/fuzz-protocol.sh --seed SEED ...        seeds from there on (else random ones, which are told)
#   tests/fuzz-protocol.sh --conversation SEED    one conversation again, as a finding names it
#
# QCOW2TARGET_FUZZ_WORKERS sets how many conversations go on at once (2).
set -euo pipefail
cd "$(dirname "$0")/.."

pdus= cdbs=100000 seconds=100
while (($#)); do
    case $1 in
        --inputs) pdus=$2 cdbs=$3 seconds=; shift 2 ;;
        --seconds) seconds=$2; shift ;;
        --seed) export QCOW2TARGET_FUZZ_SEED=$2; shift ;;
        --conversation) export QCOW2TARGET_FUZZ_SEED=$2 QCOW2TARGET_FUZZ_CONVERSATIONS=1; seconds= cdbs=0; shift ;;
        -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "fuzz-protocol.sh: unknown argument '$1'" >&2; exit 2 ;;
    esac
    shift
done
if [[ -n $pdus ]]; then export QCOW2TARGET_FUZZ_INPUTS=$pdus; fi
if [[ -n $seconds ]]; then export QCOW2TARGET_FUZZ_SECONDS=$seconds; fi
export QCOW2TARGET_FUZZ_CDBS=$cdbs

# The disks are small and many, and nothing of them need outlive the run: in memory if there is enough.
if [[ -w /dev/shm && $(df --output=avail -k /dev/shm | tail -1) -gt $((1 << 20)) ]]; then export TMPDIR=/dev/shm; fi

bin=artifacts/Embedded/bin build=${CONFIGURATION:-release}
status=0
run() {
    local dll=$bin/$1/$build/$1.dll
    [[ -e $dll ]] || { echo "fuzz-protocol.sh: $dll is missing, build the solution first" >&2; exit 2; }
    dotnet test "$dll" --filter "FullyQualifiedName~$2" --logger 'console;verbosity=detailed' </dev/null || status=1
}
run Qcow2Target.EndToEnd.Tests Fuzzing.ProtocolFuzzTests
if ((cdbs > 0)); then run Qcow2Target.Scsi.Tests CdbFuzzTests; fi
exit $status
