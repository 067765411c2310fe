#!/usr/bin/env bash
# publish.sh [--dry-run] NAME: seals NAME.img, uploads it, publishes it with NAME.provenance.json and NAME.spdx.json beside
# it, and verifies what came of it. May be run again, and twice at once.
set -euo pipefail
dry=()
if [ "$1" = --dry-run ]; then
    dry=(--dry-run)
    shift
fi
name=$1
# The keys are in variables, each in one line; no file ever holds them.
for key in TARGETS_KEY SNAPSHOT_KEY TIMESTAMP_KEY; do
    pem=$(printf %s "${!key}" | base64 -d)
    export "$key=$pem"
done
believed=(--builder-key ci/builder.pub.pem --builder-id "$BUILDER_ID")

# Code 7 is a store that cannot be reached or is overloaded, the one failure that waiting mends.
tries=1
until sealift target add "${dry[@]}" --json --path "$TARGET" --hardware-id "$HARDWARE_ID" --replace \
    --release-counter "$RELEASE_COUNTER" --version "$RELEASE_VERSION" --director ci/kek.pub.pem \
    --companion "provenance=$name.provenance.json" --companion "sbom=$name.spdx.json" "${believed[@]}" \
    --targets-key env:TARGETS_KEY --snapshot-key env:SNAPSHOT_KEY --timestamp-key env:TIMESTAMP_KEY \
    --passphrase-env KEY_PASSPHRASE "$name.img"; do
    code=$?
    if [ "$code" != 7 ] || [ "$tries" = 5 ]; then exit "$code"; fi
    sleep $((tries * 15))
    tries=$((tries + 1))
done
if [ "${#dry[@]}" = 0 ]; then
    sealift target verify --json --require provenance,sbom "${believed[@]}" --file "$name.img" "$TARGET"
fi
