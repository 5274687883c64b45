#!/usr/bin/env bash
# Sends what schemathesis derives from openapi.json in the folder $1 to the API at $API_URL, as $TOKEN. It is installed
# into the folder, from PyPI. `tests/clients/mod.rs` runs this.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
cd "$1"

[ -x schemathesis/bin/pip ] || python3 -m venv schemathesis
schemathesis/bin/pip install --quiet --disable-pip-version-check schemathesis==4.32.5
SCHEMATHESIS_HOOKS=schemathesis_hooks PYTHONPATH="$here" timeout 300 schemathesis/bin/schemathesis \
    --config-file "$here/schemathesis.toml" run openapi.json --url "$API_URL" \
    --header "Authorization: Bearer $TOKEN" --phases examples,coverage,fuzzing --max-time "${SCHEMATHESIS_SECONDS:-150}" \
    --seed "${SCHEMATHESIS_SEED:-1}" --workers 2 --request-timeout 30 --warnings off --no-color
