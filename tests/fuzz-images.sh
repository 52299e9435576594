#!/bin/bash
# Bends valid images at random and opens, reads and writes them: the long form of FuzzTests. Each round prints one line of what became of
# its images; the first that fails ends the run and tells its seed, which QCOW2TARGET_FUZZ_SEED and QCOW2TARGET_FUZZ_IMAGES=1 repeat.
#
#   tests/fuzz-images.sh [IMAGES [FIRST_SEED]]      500000 images (a million opens and more) from seed 1 on, unless told
set -euo pipefail
cd "$(dirname "$0")/.."
images=${1:-500000} seed=${2:-1} round=10000
tests=${QCOW2TARGET_FUZZ_TESTS:-artifacts/Embedded/bin/Qcow2Target.Qcow2.Tests/release/Qcow2Target.Qcow2.Tests.dll}
[[ -f $tests ]] || dotnet build tests/Qcow2Target.Qcow2.Tests -c Release -v quiet

log=$(mktemp)
trap 'rm -f "$log"' EXIT
for ((done = 0; done < images; done += round)); do
    count=$((images - done < round ? images - done : round))
    if ! QCOW2TARGET_FUZZ_IMAGES=$count QCOW2TARGET_FUZZ_SEED=$((seed + done)) dotnet test "$tests" \
        --filter FullyQualifiedName~Hostile.FuzzTests --logger 'console;verbosity=detailed' >"$log" 2>&1; then
        cat "$log"
        exit 1
    fi
    grep -o 'seeds .*' "$log"
done
