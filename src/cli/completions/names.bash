
# Names of stored files, which the program itself knows.
_p2p_names() {
    local previous= word command= count=0 place=() cur="${COMP_WORDS[COMP_CWORD]}"
    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
        case "$previous" in
            --data-dir|--config) place+=("$previous" "${word/#\~/$HOME}") ;;
        esac
        case "$word" in
            get|rm|mv|info|verify|share|unshare|ls) [[ -z "$command" && "$previous" != --* ]] && command=$word ;;
        esac
        [[ -n "$command" && "$word" != -* && "$previous" != --* ]] && ((count++))
        previous=$word
    done
    # The user with whom a file is shared comes after its name.
    [[ "$command" == *share && $count -gt 1 ]] && command=
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
