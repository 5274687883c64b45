#!/usr/bin/env bash
# Generates clients from openapi.json in the folder $1 and calls the API at $API_URL with them, as $TOKEN. Generators are
# installed into the folder, from PyPI and npm. `tests/clients/mod.rs` runs this.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mkdir -p "$1"
cd "$1"

[ -x python/bin/pip ] || python3 -m venv python
python/bin/pip install --quiet --disable-pip-version-check openapi-python-client==0.29.1 ruff==0.14.6
export PATH="$PWD/python/bin:$PATH"

echo "openapi-python-client"
openapi-python-client generate --path openapi.json --output-path client --overwrite >python.log 2>&1
# Nobody sends protobuf by a generated client: OpenTelemetry's exporters do. Nor are files for other tools read by one.
if grep WARNING python.log | grep -v -E '/otlp/|/api/exports/ocsf|/v1/openmetrics'; then
    cat python.log
    exit 1
fi
PYTHONPATH=client python3 "$here/client.py"

cp "$here/package.json" "$here/tsconfig.json" "$here/fetch.ts" "$here/hey.ts" .
npm install --silent --no-audit --no-fund

echo "openapi-typescript, openapi-fetch"
npx openapi-typescript openapi.json --output schema.d.ts
echo "@hey-api/openapi-ts"
npx openapi-ts --input openapi.json --output hey --client @hey-api/client-fetch 2>&1 | tee hey.log
if grep -i -E "warn|error" hey.log; then exit 1; fi
npx tsc
node out/fetch.js
node out/hey.js
