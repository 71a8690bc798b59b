#!/bin/sh
# Score a recording: examples/assess.sh hello.wav "Hello, how are you?"
# SERVICE: where the service is; API_KEY: a key, if it wants one.
set -eu
curl --silent --show-error --fail-with-body "${SERVICE:-http://127.0.0.1:8000}/v1/assess" \
    ${API_KEY:+--header "X-Api-Key: $API_KEY"} \
    --form audio="@$1" --form-string text="$2" --form-string format="${3:-json}"
