#!/bin/sh
# The target of eventbridge-pattern.json: takes the event on stdin, explains the refusal in it, and prints what a chat's incoming webhook
# takes. With CHAT_WEBHOOK set it is posted there; the address is a secret and is never printed.
#
#   event-to-chat.sh < event.json
set -eu
text="$("${IAM_WHY:-iam-why}" explain --redact --format markdown --exit-zero -)"
body="$(printf '%s' "$text" | jq -Rs '{text: .}')"
if [ -n "${CHAT_WEBHOOK:-}" ]; then
    printf '%s' "$body" | curl --silent --show-error --fail --header 'Content-Type: application/json' --data @- "$CHAT_WEBHOOK"
else
    printf '%s\n' "$body"
fi
