# For bash and zsh: source this file, then put `why` before a command, or behind a pipe, or call it on its own for what is on the clipboard.
#
#   why aws s3 cp a.txt s3://reports/      runs the command; explains its refusal if it fails with one
#   kubectl logs job/nightly | why         explains what comes in
#   why                                    explains the clipboard
#
# IAM_WHY names the program where it is not on the path; IAM_WHY_SNAPSHOT a snapshot to go on to the statement that did it.
why() {
    if [ "$#" -gt 0 ]; then
        "${IAM_WHY:-iam-why}" run -- "$@"
    elif [ ! -t 0 ]; then
        "${IAM_WHY:-iam-why}" explain ${IAM_WHY_SNAPSHOT:+--snapshot "$IAM_WHY_SNAPSHOT"} -
    else
        _why_clipboard | "${IAM_WHY:-iam-why}" explain ${IAM_WHY_SNAPSHOT:+--snapshot "$IAM_WHY_SNAPSHOT"} -
    fi
}

_why_clipboard() {
    if command -v pbpaste >/dev/null 2>&1; then
        pbpaste
    elif command -v wl-paste >/dev/null 2>&1; then
        wl-paste
    elif command -v xclip >/dev/null 2>&1; then
        xclip -selection clipboard -o
    else
        echo "why: no clipboard program (pbpaste, wl-paste, xclip); pipe the text in" >&2
    fi
}
