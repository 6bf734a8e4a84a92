
# Names of stored files, which the program itself knows.
_p2p_names() {
    local previous= word command= place=() cur="${COMP_WORDS[COMP_CWORD]}"
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$previous" in
            --data-dir|--config) place+=("$previous" "${word/#\~/$HOME}") ;;
        esac
        case "$word" in
            get|rm|mv|info|verify|share|unshare|ls) [[ -z "$command" && "$previous" != --* ]] && command=$word ;;
        esac
        previous=$word
    done
    case "$cur$previous" in
        -*|*-o|*--output-file|*--range|*--wait|*--seed|*--speed|*--user|*--password-file|*--data-dir|*--config) command= ;;
    esac
    if [[ -z "$command" ]]; then
        _p2p "$@"
        return
    fi
    local IFS=$'\n'
    COMPREPLY=($("${COMP_WORDS[0]}" stored-names "${place[@]}" -- "${cur//\\/}" 2>/dev/null))
    compopt -o filenames +o default 2>/dev/null
    if [[ ${#COMPREPLY[@]} -eq 1 && "${COMPREPLY[0]}" == */ ]]; then
        compopt -o nospace 2>/dev/null
    fi
}
complete -F _p2p_names -o bashdefault -o default p2p
