
# Names of stored files, which the program itself knows.
_p2p_names() {
    local -a names place
    local option
    for option in --data-dir --config; do
        (( ${words[(I)$option]} )) && place+=($option "${(Q)~words[${words[(i)$option]}+1]}")
    done
    names=(${(f)"$(_call_program names ${(q)words[1]:-p2p} stored-names ${(q)place} -- ${(q)${(Q)PREFIX}} 2>/dev/null)"})
    compadd -S '' -a names
}
