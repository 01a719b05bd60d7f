#!/bin/sh
# Makes the note for a ticket or a pager from the text of an error: Markdown, identifiers replaced, nothing sent anywhere.
#
#   incident-note.sh error.txt > note.md
#   incident-note.sh < error.txt | gh issue comment 12 --body-file -
set -eu
"${IAM_WHY:-iam-why}" explain --redact --format markdown --exit-zero "${1:--}"
