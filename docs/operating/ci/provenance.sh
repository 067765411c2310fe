#!/usr/bin/env bash
# provenance.sh NAME: says in NAME.provenance.json where NAME.img comes from, signed with the builder's key.
#
# The same build says the same bytes however often it runs: no time of day is in it, and Ed25519 signs alike every time.
set -euo pipefail
umask 077
name=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
printf %s "$BUILDER_PRIVATE_KEY" | base64 -d > "$work/builder.pem"

# An in-toto statement with SLSA provenance.
jq -cn \
    --arg file "$name.img" --arg sha256 "$(sha256sum < "$name.img" | cut -d ' ' -f 1)" \
    --arg source "$SOURCE" --arg commit "$COMMIT" --arg builder "$BUILDER_ID" --arg run "$RUN_ID" '{
        _type: "https://in-toto.io/Statement/v1",
        subject: [{name: $file, digest: {sha256: $sha256}}],
        predicateType: "https://slsa.dev/provenance/v1",
        predicate: {
            buildDefinition: {
                buildType: ($builder + "#build.sh"),
                externalParameters: {source: $source},
                resolvedDependencies: [{uri: $source, digest: {gitCommit: $commit}}]
            },
            runDetails: {builder: {id: $builder}, metadata: {invocationId: $run}}
        }
    }' > "$work/statement"

# A DSSE envelope around it. What is signed is type and statement, each after its length.
type=application/vnd.in-toto+json
printf 'DSSEv1 %d %s %d ' "${#type}" "$type" "$(wc -c < "$work/statement")" | cat - "$work/statement" > "$work/signed"
openssl pkeyutl -sign -rawin -inkey "$work/builder.pem" -passin env:KEY_PASSPHRASE -in "$work/signed" -out "$work/signature"
jq -cn --arg type "$type" --arg payload "$(base64 -w 0 < "$work/statement")" --arg sig "$(base64 -w 0 < "$work/signature")" \
    '{payloadType: $type, payload: $payload, signatures: [{sig: $sig}]}' > "$name.provenance.json"
