#!/bin/sh
# The body of the step in github-actions.yml: runs a deployment and, where it fails with a refusal, writes why into the job summary.
# The log and the exit code of the deployment stay as they are.
#
#   explain-step.sh terraform apply -auto-approve
set -u
log="${RUNNER_TEMP:-/tmp}/deploy-$$.log"
{
    "$@" 2>&1
    echo "$?" > "$log.exit"
} | tee "$log"
code="$(cat "$log.exit")"
if [ "$code" -ne 0 ]; then
    "${IAM_WHY:-iam-why}" explain --redact --format markdown --exit-zero "$log" >> "${GITHUB_STEP_SUMMARY:-/dev/stderr}"
fi
rm -f "$log" "$log.exit"
exit "$code"
