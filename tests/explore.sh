#!/bin/bash
# Explores what power cuts and kills leave of images (tests/Qcow2Target.Qcow2.Tests/Crash). Needs a built solution. Exit code 1 on a finding.
#
#   tests/explore.sh                      the form of continuous integration: 200,000 different states, 2,000 and more of them with qemu-img check
#   tests/explore.sh STATES               so many states
#   tests/explore.sh --seconds SECONDS    for so long
#   tests/explore.sh --seed SEED ...      the same run again
#   tests/explore.sh --round KIND:SEED    one workload again, as a finding names it
set -euo pipefail
cd "$(dirname "$0")/.."

states=200000 seconds=
while (($#)); do
    case $1 in
        --seconds) seconds=$2 states=; shift ;;
        --seed) export QCOW2TARGET_SEED=$2; shift ;;
        --round) export QCOW2TARGET_EXPLORE_ROUND=$2; states= seconds=600; shift ;;
        -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *[!0-9]* | '') echo "explore.sh: unknown argument '$1'" >&2; exit 2 ;;
        *) states=$1 ;;
    esac
    shift
done
if [[ -n $states ]]; then export QCOW2TARGET_EXPLORE_STATES=$states; fi
if [[ -n $seconds ]]; then export QCOW2TARGET_EXPLORE_SECONDS=$seconds; fi

dll=artifacts/Embedded/bin/Qcow2Target.Qcow2.Tests/${CONFIGURATION:-release}/Qcow2Target.Qcow2.Tests.dll
[[ -e $dll ]] || { echo "explore.sh: $dll is missing, build the solution first" >&2; exit 2; }
status=0
dotnet test "$dll" --filter FullyQualifiedName~CrashExplorerTests.No_power_cut_and_no_kill_breaks_a_promise --logger 'console;verbosity=detailed' </dev/null || status=1
exit $status
