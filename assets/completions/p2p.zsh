#compdef p2p

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

autoload -U is-at-least

_p2p() {
    typeset -A opt_args
    typeset -a _arguments_options
    local ret=1

    if is-at-least 5.2; then
        _arguments_options=(-s -S -C)
    else
        _arguments_options=(-s -C)
    fi

    local context curcontext="$curcontext" state line
    _arguments "${_arguments_options[@]}" : \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--theme=[The colours\: dark, light, high-contrast, mono; by default those chosen on the screen before, or light or dark as the terminal is]:THEME:(dark light high-contrast mono)' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
":: :_p2p_commands" \
"*::: :->p2p" \
&& ret=0
    case $state in
    (p2p)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:p2p-command-$line[1]:"
        case $line[1] in
            (demo)
_arguments "${_arguments_options[@]}" : \
'--html=[Write the report to FILE as a page of HTML with charts, which needs no network and no script]:FILE:_files' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--services[Store one more file over gRPC and read it over SFTP, through sockets of this machine; prints the report, and takes no tour]' \
'--force[Replace FILE if it is there]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(put)
_arguments "${_arguments_options[@]}" : \
'--as=[Store the file under NAME instead of its own name; with a / at its end, NAME is a directory to store it in]:NAME:' \
'(--keep)--resume=[Continue the upload that is kept as ID, with the same file\: of the same size and modification time, and beginning with what is kept; \`-\` is compared with that alone. The times, modes and --force with which it was begun hold. \`p2p uploads\` lists what is kept]:ID:' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'-r[Store directories with all files in them; what is stored already with the same content is left out]' \
'--recursive[Store directories with all files in them; what is stored already with the same content is left out]' \
'(--resume)-f[Replace stored files of that name; each is there until the new one is]' \
'(--resume)--force[Replace stored files of that name; each is there until the new one is]' \
'(--resume)-p[Keep the times of modification and the modes of the files]' \
'(--resume)--preserve[Keep the times of modification and the modes of the files]' \
'--keep[Keep what is stored if this is interrupted, for a day; what is said first has the ID for --resume. Of what a kill (SIGKILL, a crash) interrupts, what was noted last is kept\: notes begin after 8 MiB]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'*::files -- The files to store; `-` for standard input:_files' \
&& ret=0
;;
(get)
_arguments "${_arguments_options[@]}" : \
'-o+[The file or the directory to put it in, instead of this directory; \`-\` for standard output]:OUT:_files' \
'--output-file=[The file or the directory to put it in, instead of this directory; \`-\` for standard output]:OUT:_files' \
'--range=[Fetch these bytes only\: FIRST-LAST with both ends, counted from 0, FIRST- for the rest, -N for the last N]:RANGE:' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'-f[Replace a file that is there]' \
'--force[Replace a file that is there]' \
'-p[Give the files the times of modification and the modes of the stored ones]' \
'--preserve[Give the files the times of modification and the modes of the stored ones]' \
'-r[Fetch directories with all files in them; what is there already with the same content is left out]' \
'--recursive[Fetch directories with all files in them; what is there already with the same content is left out]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'*::names -- The stored files to fetch:_p2p_names' \
&& ret=0
;;
(ls)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'-R[List all that is in the directories, too]' \
'--recursive[List all that is in the directories, too]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'::path -- The stored directory or file; without it, the root of your own files, and what other users share with you:_p2p_names' \
&& ret=0
;;
(rm)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'-r[Remove directories with all that is in them]' \
'--recursive[Remove directories with all that is in them]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'*::names -- The stored files and directories to remove:_p2p_names' \
&& ret=0
;;
(uploads)
_arguments "${_arguments_options[@]}" : \
'--forget=[Undo this upload]:ID:' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(mkdir)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'-p[Make those above too; one that exists is no error]' \
'--parents[Make those above too; one that exists is no error]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'*::paths -- The directories to make:' \
&& ret=0
;;
(mv)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'-f[Replace what has that name]' \
'--force[Replace what has that name]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'*::from -- The stored files and directories to move:_p2p_names' \
':to -- The new name, or the directory to move them into:' \
&& ret=0
;;
(cp)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'-f[Replace a file that has that name]' \
'--force[Replace a file that has that name]' \
'-p[Keep the time of modification and the mode]' \
'--preserve[Keep the time of modification and the mode]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'*::from -- The stored files to copy:' \
':to -- The name of the copy, or the directory to copy them into:' \
&& ret=0
;;
(chmod)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':mode -- The permission bits, in octal:' \
'*::names -- The stored files and directories:' \
&& ret=0
;;
(touch)
_arguments "${_arguments_options[@]}" : \
'-d+[Set this time, such as 2026-11-28T06\:30\:00Z or @1795847400; now by default]:TIME:' \
'--date=[Set this time, such as 2026-11-28T06\:30\:00Z or @1795847400; now by default]:TIME:' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'*::names -- The stored files and directories:' \
&& ret=0
;;
(info)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':name -- The stored file or directory:_p2p_names' \
&& ret=0
;;
(stat)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':name -- The stored file or directory:_p2p_names' \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':name -- The stored file or directory:_p2p_names' \
&& ret=0
;;
(share)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--upload[The access for storing new files in the directory, which are its owner'\''s; not that for reading]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':name -- The stored file or directory:_p2p_names' \
':reader -- Whose access changes:' \
&& ret=0
;;
(unshare)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--upload[The access for storing new files in the directory, which are its owner'\''s; not that for reading]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':name -- The stored file or directory:_p2p_names' \
':reader -- Whose access changes:' \
&& ret=0
;;
(nodes)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(report)
_arguments "${_arguments_options[@]}" : \
'--html=[Write the report to FILE as a page of HTML with charts, which needs no network and no script]:FILE:_files' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--force[Replace FILE if it is there]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(orphans)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'::action -- What to do\: `free` removes them, `adopt` keeps them, and with either the volumes are this catalog'\''s from then on:(list free adopt)' \
'::node -- On which node, such as Node_03; on every such node where none is given:' \
&& ret=0
;;
(register)
_arguments "${_arguments_options[@]}" : \
'--admission-file=[With --connect\: read the setup token of the server, or an invite of an admin, from the first line of FILE. It is also taken from P2P_SETUP_TOKEN or P2P_INVITE, or else typed]:FILE:_files' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'::name -- The user name:' \
'::email -- The e-mail address:' \
&& ret=0
;;
(login)
_arguments "${_arguments_options[@]}" : \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'::name -- The user name:' \
&& ret=0
;;
(logout)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--all[End every session of the user]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(whoami)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(sessions)
_arguments "${_arguments_options[@]}" : \
'--revoke=[End this session]:ID:' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(token)
_arguments "${_arguments_options[@]}" : \
'--scope=[For \`new\`\: the most that the program may do, \`read\` by default]:SCOPE:(read write admin)' \
'--path=[For \`new\`\: the file or directory of yours that the program is limited to; it need not exist yet]:PATH:' \
'--expires=[For \`new\`\: when it ends, such as 30d or 12h from now; 90d by default, at most 366d]:SPAN:' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'::action -- What to do:(new list revoke)' \
'::name -- For `new` and `revoke`\: the name of the token:' \
&& ret=0
;;
(passwd)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(otp)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'::action -- What to do:(enable confirm disable status backup-codes)' \
'::kind -- For `enable`\: where the codes come from:(app mail)' \
&& ret=0
;;
(flow)
_arguments "${_arguments_options[@]}" : \
'--bandwidth=[The rate of the link]:RATE:' \
'--delay=[How long a packet travels one way\: fixed, or a range as in 1ms..10ms]:TIME:' \
'--loss=[How likely a packet is lost, each way]:CHANCE:' \
'--bytes=[What each flow carries]:SIZE:' \
'*--congestion=[The congestion control\: cubic or newreno, or several in turn for the flows, as in cubic,newreno]:NAME:' \
'--flows=[How many flows start at once]:N:' \
'--shape=[Their topology]:SHAPE:((single\:"All flows share one link"
fanout\:"One host sends to many, over access links"
incast\:"Many hosts send to one, over access links"))' \
'--queue=[How many packets may wait in a queue \[default\: twice the bandwidth-delay product, at least 100\]]:N:' \
'--host-time=[How long a host takes to hand a packet from its link to its TCP\: fixed, or a range]:TIME:' \
'--runs=[How many runs, each with the next seed]:N:' \
'--seed=[The seed of the first run]:N:' \
'--pcap=[Write the packets of the first run to FILE, for Wireshark]:FILE:_files' \
'--cwnd=[Write the congestion windows of the first run over time to FILE, as CSV]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--force[Replace files that are there]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(run)
_arguments "${_arguments_options[@]}" : \
'*--set=[Give the script'\''s variable \$NAME a value, as \`set NAME VALUE\` would]:NAME=VALUE:' \
'-c+[Take COMMANDS for the script; \`;\` stands between them]:COMMANDS:' \
'--html=[Write the report to FILE as a page of HTML with charts, which needs no network and no script]:FILE:_files' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--force[Replace FILE if it is there]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'::file -- The script; `-` for standard input:_files' \
'*::arguments -- What the script calls $1, $2 and so on; $# is how many there are:' \
&& ret=0
;;
(repl)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(keygen)
_arguments "${_arguments_options[@]}" : \
'--type=[Type of the key]:TYPE:((ed25519\:"Ed25519"
rsa\:"RSA of 2,048 bits"))' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--passphrase[Ask for a passphrase by which the private key is encrypted; a node'\''s key has none]' \
'--force[Replace a key that is there]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'::owner -- A node such as Node_03, or the name of a user; without it, the keys are listed with their fingerprints:' \
&& ret=0
;;
(ssh)
_arguments "${_arguments_options[@]}" : \
'--password-file=[Read the password from the first line of FILE; otherwise that of a node is read from P2P_PASSWORD, or typed]:FILE:_files' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'-l+[Log in as NAME; otherwise as who has logged in by \`p2p login\`, or as the only user for whom \`p2p keygen\` has made a key]:NAME:' \
'--user=[Log in as NAME; otherwise as who has logged in by \`p2p login\`, or as the only user for whom \`p2p keygen\` has made a key]:NAME:' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
':target -- A node whose server a running `p2p serve --ssh` of the data directory has, such as Node_02, or a host of p2p.toml; with `USER@`, as that user:' \
'*::command -- Command that is carried out there; several words are put together with blanks:' \
&& ret=0
;;
(broadcast)
_arguments "${_arguments_options[@]}" : \
'--password-file=[Read the password from the first line of FILE; otherwise that of a node is read from P2P_PASSWORD, or typed]:FILE:_files' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'-l+[Log in as NAME; otherwise as who has logged in by \`p2p login\`, or as the only user for whom \`p2p keygen\` has made a key]:NAME:' \
'--user=[Log in as NAME; otherwise as who has logged in by \`p2p login\`, or as the only user for whom \`p2p keygen\` has made a key]:NAME:' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'*::command -- Command that is carried out at every node; several words are put together with blanks:' \
&& ret=0
;;
(sftp)
_arguments "${_arguments_options[@]}" : \
'--as=[For \`put\`\: the path at the host, instead of its own name; with a / at its end, the directory to put it in]:NAME:' \
'-o+[For \`get\`\: the file or the directory to put it in, instead of this directory; \`-\` for standard output]:OUT:_files' \
'--output-file=[For \`get\`\: the file or the directory to put it in, instead of this directory; \`-\` for standard output]:OUT:_files' \
'--user=[Log in as NAME; otherwise as who has logged in by \`p2p login\`, or as the only user for whom \`p2p keygen\` has made a key]:NAME:' \
'--password-file=[Read the password from the first line of FILE; otherwise that of a node is read from P2P_PASSWORD, or typed]:FILE:_files' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'-f[Replace a file that is there; it is there until the new one is]' \
'--force[Replace a file that is there; it is there until the new one is]' \
'-p[Keep the times of modification and the modes of the files]' \
'--preserve[Keep the times of modification and the modes of the files]' \
'--resume[Continue what an interrupted transfer has kept, and keep what is transferred if this one is interrupted; without, nothing is left of one]' \
'-l[For \`ls\`\: show modes, sizes and times too]' \
'--long[For \`ls\`\: show modes, sizes and times too]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
':action -- What to do\: `put` sends files, `get` fetches them, `ls` lists a directory:(put get ls)' \
':target -- A node whose server a running `p2p serve --ssh` of the data directory has, such as Node_02, or a host of p2p.toml; with `USER@`, as that user:' \
'*::files -- For `put`\: the files to send, `-` for standard input. For `get`\: the files at the host. For `ls`\: the directory there, the one in which a session begins without it:_files' \
&& ret=0
;;
(serve)
_arguments "${_arguments_options[@]}" : \
'--grpc=[Serve gRPC, at ADDRESS instead of that in p2p.toml (\:0 takes a free port). If no service is named, all are served\: gRPC, SSH and the web]::ADDRESS:' \
'--grpc-nodes=[Serve an endpoint of each node too\: Node_01 at ADDRESS, Node_02 at the next port, and so on (\:0 takes free ports); at those of p2p.toml or from 127.0.0.1\:50051 on without ADDRESS]::ADDRESS:' \
'--ssh=[Serve SSH, one server a node\: Node_01 at ADDRESS instead of that in p2p.toml, Node_02 at the next port, and so on (\:0 takes free ports)]::ADDRESS:' \
'--web=[Serve REST and the pages for browsers, at ADDRESS instead of that in p2p.toml (\:0 takes a free port)]::ADDRESS:' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--exit-with-parent[End when the process ends that has started this one]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(cert)
_arguments "${_arguments_options[@]}" : \
'--days=[How many days the certificate is valid]:N:' \
'-o+[Write the files into DIR instead of \`keys\` in the data directory]:DIR:_files -/' \
'--output-directory=[Write the files into DIR instead of \`keys\` in the data directory]:DIR:_files -/' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--force[Replace a certificate and a key that are there]' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
'*::names -- Further names and addresses with which clients reach the services\: nas.example.org, *.example.org, 192.168.1.7:' \
&& ret=0
;;
(events)
_arguments "${_arguments_options[@]}" : \
'--after=[Begin after this event, whose number is the first word of its line; without it, with the next one]:RUN:N:' \
'*--kind=[Tell of events of this kind alone, such as FileStored; may be given several times]:KIND:' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(replay)
_arguments "${_arguments_options[@]}" : \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help (see more with '\''--help'\'')]' \
'--help[Print help (see more with '\''--help'\'')]' \
'-V[Print version]' \
'--version[Print version]' \
':file -- The recording; `-` for standard input:_files' \
&& ret=0
;;
(config)
_arguments "${_arguments_options[@]}" : \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--json[Print JSON and nothing else on standard output (the fields are in docs/json.md)]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
'-o+[Write to OUT instead of standard output]:OUT:_files' \
'--output-file=[Write to OUT instead of standard output]:OUT:_files' \
'--data-dir=[Keep files, catalog and logs in DIR instead of ~/.local/share/p2p]:DIR:_files -/' \
'--wait=[Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end]:SPAN:' \
'--config=[Read FILE instead of ./p2p.toml]:FILE:_files' \
'--seed=[Seed of the random numbers\: the same seed gives the same run]:N:' \
'--speed=[Let virtual time pass this fast\: 1x, 10x, max]:X:(1x 10x 100x max)' \
'--user=[Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP]:NAME:' \
'--password-file=[Read the password from the first line of FILE]:FILE:_files' \
'(--user)--token-file=[Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set]:FILE:_files' \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--force[Replace a file that is there]' \
'--json[Accepted for the sake of scripts\: an export is always JSON]' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
':shell -- The shell:(bash elvish fish powershell zsh)' \
&& ret=0
;;
(man)
_arguments "${_arguments_options[@]}" : \
'--connect=[Ask the \`p2p serve\` at URL, such as grpc\://127.0.0.1\:50050, or grpcs\://127.0.0.1\:50050 with TLS, instead of a data directory\: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can]:URL:' \
'--tls-ca=[Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities]:FILE:_files' \
'(--tls-ca)--tls-fingerprint=[Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other]:SHA256:' \
'--ascii[Print and draw with ASCII characters only]' \
'-h[Print help]' \
'--help[Print help]' \
'-V[Print version]' \
'--version[Print version]' \
'::command -- The command:(demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man)' \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
":: :_p2p__subcmd__help_commands" \
"*::: :->help" \
&& ret=0

    case $state in
    (help)
        words=($line[1] "${words[@]}")
        (( CURRENT += 1 ))
        curcontext="${curcontext%:*:*}:p2p-help-command-$line[1]:"
        case $line[1] in
            (demo)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(put)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(get)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(ls)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(rm)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(uploads)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(mkdir)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(mv)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(cp)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(chmod)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(touch)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(info)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(verify)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(share)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(unshare)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(nodes)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(report)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(orphans)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(register)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(login)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(logout)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(whoami)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sessions)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(token)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(passwd)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(otp)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(flow)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(run)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(repl)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(keygen)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(ssh)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(broadcast)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(sftp)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(serve)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(cert)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(events)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(replay)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(config)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(export)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(completions)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(man)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
(help)
_arguments "${_arguments_options[@]}" : \
&& ret=0
;;
        esac
    ;;
esac
;;
        esac
    ;;
esac
}

(( $+functions[_p2p_commands] )) ||
_p2p_commands() {
    local commands; commands=(
'demo:Take a tour in the terminal; without one, store three files, read them back, and report what was measured' \
'put:Store files on the nodes' \
'get:Fetch stored files' \
'ls:List the stored files and directories' \
'rm:Remove stored files and directories' \
'uploads:List the uploads that are kept although they are not complete, or undo one' \
'mkdir:Make directories among your stored files' \
'mv:Give a stored file or directory another name, or move it into a directory' \
'cp:Copy stored files among your own; no byte moves' \
'chmod:Set the permission bits of stored files and directories, which are kept and allow nothing' \
'touch:Set the time of modification of stored files and directories' \
'info:Show a stored file and who holds its segments, or a directory' \
'stat:Show a stored file and who holds its segments, or a directory' \
'verify:Fetch a stored file or all files of a directory, check every byte, and keep none of it' \
'share:Let a user read a file of yours, or a directory with all that is in it, or store files in it' \
'unshare:Revoke a user'\''s access to a file or a directory' \
'nodes:List the nodes, with what probes over the virtual network say of them' \
'report:Report on files, nodes and the network; with --html as a page' \
'orphans:List unreferenced segments on volumes that another catalog has written to; free or adopt them' \
'register:Make an account' \
'login:Log in, until \`p2p logout\`' \
'logout:End the session that \`p2p login\` began' \
'whoami:Show who is logged in' \
'sessions:List your sessions, or end one' \
'token:API tokens\: make one for a program, list yours, or revoke one' \
'passwd:Change your password; your other sessions and your API tokens end' \
'otp:One-time passwords\: a second factor for your logins' \
'flow:Time TCP flows on the virtual wire, like iperf on a real one' \
'run:Carry out a script of commands, and stop at the first that fails' \
'repl:Type commands line by line, without the full-screen interface' \
'keygen:Make a pair of SSH keys in the data directory, for a node or a user' \
'ssh:Carry a command out at a node of a running \`p2p serve --ssh\`, or at a host of p2p.toml, over SSH' \
'broadcast:Carry a command out at all nodes of a running \`p2p serve --ssh\` at once' \
'sftp:Send files to a node of a running \`p2p serve --ssh\`, or to a host of p2p.toml, fetch them, or list a directory there, over SFTP' \
'serve:Serve other programs over gRPC, SSH and REST, and browsers, until SIGTERM' \
'cert:Make a certificate for the services, and its key' \
'events:Print what happens at a running \`p2p serve\`, as it happens' \
'replay:Replay a recording, and compare the trace' \
'config:Print the configuration in effect, and where each value came from' \
'export:Write everything that the catalog knows, as JSON' \
'completions:Print completions for a shell\: source them, or put them where it looks' \
'man:Print the manual page of the program, or of one of its commands' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'p2p commands' commands "$@"
}
(( $+functions[_p2p__subcmd__broadcast_commands] )) ||
_p2p__subcmd__broadcast_commands() {
    local commands; commands=()
    _describe -t commands 'p2p broadcast commands' commands "$@"
}
(( $+functions[_p2p__subcmd__cert_commands] )) ||
_p2p__subcmd__cert_commands() {
    local commands; commands=()
    _describe -t commands 'p2p cert commands' commands "$@"
}
(( $+functions[_p2p__subcmd__chmod_commands] )) ||
_p2p__subcmd__chmod_commands() {
    local commands; commands=()
    _describe -t commands 'p2p chmod commands' commands "$@"
}
(( $+functions[_p2p__subcmd__completions_commands] )) ||
_p2p__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'p2p completions commands' commands "$@"
}
(( $+functions[_p2p__subcmd__config_commands] )) ||
_p2p__subcmd__config_commands() {
    local commands; commands=()
    _describe -t commands 'p2p config commands' commands "$@"
}
(( $+functions[_p2p__subcmd__cp_commands] )) ||
_p2p__subcmd__cp_commands() {
    local commands; commands=()
    _describe -t commands 'p2p cp commands' commands "$@"
}
(( $+functions[_p2p__subcmd__demo_commands] )) ||
_p2p__subcmd__demo_commands() {
    local commands; commands=()
    _describe -t commands 'p2p demo commands' commands "$@"
}
(( $+functions[_p2p__subcmd__events_commands] )) ||
_p2p__subcmd__events_commands() {
    local commands; commands=()
    _describe -t commands 'p2p events commands' commands "$@"
}
(( $+functions[_p2p__subcmd__export_commands] )) ||
_p2p__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'p2p export commands' commands "$@"
}
(( $+functions[_p2p__subcmd__flow_commands] )) ||
_p2p__subcmd__flow_commands() {
    local commands; commands=()
    _describe -t commands 'p2p flow commands' commands "$@"
}
(( $+functions[_p2p__subcmd__get_commands] )) ||
_p2p__subcmd__get_commands() {
    local commands; commands=()
    _describe -t commands 'p2p get commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help_commands] )) ||
_p2p__subcmd__help_commands() {
    local commands; commands=(
'demo:Take a tour in the terminal; without one, store three files, read them back, and report what was measured' \
'put:Store files on the nodes' \
'get:Fetch stored files' \
'ls:List the stored files and directories' \
'rm:Remove stored files and directories' \
'uploads:List the uploads that are kept although they are not complete, or undo one' \
'mkdir:Make directories among your stored files' \
'mv:Give a stored file or directory another name, or move it into a directory' \
'cp:Copy stored files among your own; no byte moves' \
'chmod:Set the permission bits of stored files and directories, which are kept and allow nothing' \
'touch:Set the time of modification of stored files and directories' \
'info:Show a stored file and who holds its segments, or a directory' \
'verify:Fetch a stored file or all files of a directory, check every byte, and keep none of it' \
'share:Let a user read a file of yours, or a directory with all that is in it, or store files in it' \
'unshare:Revoke a user'\''s access to a file or a directory' \
'nodes:List the nodes, with what probes over the virtual network say of them' \
'report:Report on files, nodes and the network; with --html as a page' \
'orphans:List unreferenced segments on volumes that another catalog has written to; free or adopt them' \
'register:Make an account' \
'login:Log in, until \`p2p logout\`' \
'logout:End the session that \`p2p login\` began' \
'whoami:Show who is logged in' \
'sessions:List your sessions, or end one' \
'token:API tokens\: make one for a program, list yours, or revoke one' \
'passwd:Change your password; your other sessions and your API tokens end' \
'otp:One-time passwords\: a second factor for your logins' \
'flow:Time TCP flows on the virtual wire, like iperf on a real one' \
'run:Carry out a script of commands, and stop at the first that fails' \
'repl:Type commands line by line, without the full-screen interface' \
'keygen:Make a pair of SSH keys in the data directory, for a node or a user' \
'ssh:Carry a command out at a node of a running \`p2p serve --ssh\`, or at a host of p2p.toml, over SSH' \
'broadcast:Carry a command out at all nodes of a running \`p2p serve --ssh\` at once' \
'sftp:Send files to a node of a running \`p2p serve --ssh\`, or to a host of p2p.toml, fetch them, or list a directory there, over SFTP' \
'serve:Serve other programs over gRPC, SSH and REST, and browsers, until SIGTERM' \
'cert:Make a certificate for the services, and its key' \
'events:Print what happens at a running \`p2p serve\`, as it happens' \
'replay:Replay a recording, and compare the trace' \
'config:Print the configuration in effect, and where each value came from' \
'export:Write everything that the catalog knows, as JSON' \
'completions:Print completions for a shell\: source them, or put them where it looks' \
'man:Print the manual page of the program, or of one of its commands' \
'help:Print this message or the help of the given subcommand(s)' \
    )
    _describe -t commands 'p2p help commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__broadcast_commands] )) ||
_p2p__subcmd__help__subcmd__broadcast_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help broadcast commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__cert_commands] )) ||
_p2p__subcmd__help__subcmd__cert_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help cert commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__chmod_commands] )) ||
_p2p__subcmd__help__subcmd__chmod_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help chmod commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__completions_commands] )) ||
_p2p__subcmd__help__subcmd__completions_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help completions commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__config_commands] )) ||
_p2p__subcmd__help__subcmd__config_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help config commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__cp_commands] )) ||
_p2p__subcmd__help__subcmd__cp_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help cp commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__demo_commands] )) ||
_p2p__subcmd__help__subcmd__demo_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help demo commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__events_commands] )) ||
_p2p__subcmd__help__subcmd__events_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help events commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__export_commands] )) ||
_p2p__subcmd__help__subcmd__export_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help export commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__flow_commands] )) ||
_p2p__subcmd__help__subcmd__flow_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help flow commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__get_commands] )) ||
_p2p__subcmd__help__subcmd__get_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help get commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__help_commands] )) ||
_p2p__subcmd__help__subcmd__help_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help help commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__info_commands] )) ||
_p2p__subcmd__help__subcmd__info_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help info commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__keygen_commands] )) ||
_p2p__subcmd__help__subcmd__keygen_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help keygen commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__login_commands] )) ||
_p2p__subcmd__help__subcmd__login_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help login commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__logout_commands] )) ||
_p2p__subcmd__help__subcmd__logout_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help logout commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__ls_commands] )) ||
_p2p__subcmd__help__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help ls commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__man_commands] )) ||
_p2p__subcmd__help__subcmd__man_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help man commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__mkdir_commands] )) ||
_p2p__subcmd__help__subcmd__mkdir_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help mkdir commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__mv_commands] )) ||
_p2p__subcmd__help__subcmd__mv_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help mv commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__nodes_commands] )) ||
_p2p__subcmd__help__subcmd__nodes_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help nodes commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__orphans_commands] )) ||
_p2p__subcmd__help__subcmd__orphans_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help orphans commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__otp_commands] )) ||
_p2p__subcmd__help__subcmd__otp_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help otp commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__passwd_commands] )) ||
_p2p__subcmd__help__subcmd__passwd_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help passwd commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__put_commands] )) ||
_p2p__subcmd__help__subcmd__put_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help put commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__register_commands] )) ||
_p2p__subcmd__help__subcmd__register_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help register commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__repl_commands] )) ||
_p2p__subcmd__help__subcmd__repl_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help repl commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__replay_commands] )) ||
_p2p__subcmd__help__subcmd__replay_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help replay commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__report_commands] )) ||
_p2p__subcmd__help__subcmd__report_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help report commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__rm_commands] )) ||
_p2p__subcmd__help__subcmd__rm_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help rm commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__run_commands] )) ||
_p2p__subcmd__help__subcmd__run_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help run commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__serve_commands] )) ||
_p2p__subcmd__help__subcmd__serve_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help serve commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__sessions_commands] )) ||
_p2p__subcmd__help__subcmd__sessions_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help sessions commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__sftp_commands] )) ||
_p2p__subcmd__help__subcmd__sftp_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help sftp commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__share_commands] )) ||
_p2p__subcmd__help__subcmd__share_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help share commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__ssh_commands] )) ||
_p2p__subcmd__help__subcmd__ssh_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help ssh commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__token_commands] )) ||
_p2p__subcmd__help__subcmd__token_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help token commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__touch_commands] )) ||
_p2p__subcmd__help__subcmd__touch_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help touch commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__unshare_commands] )) ||
_p2p__subcmd__help__subcmd__unshare_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help unshare commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__uploads_commands] )) ||
_p2p__subcmd__help__subcmd__uploads_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help uploads commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__verify_commands] )) ||
_p2p__subcmd__help__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help verify commands' commands "$@"
}
(( $+functions[_p2p__subcmd__help__subcmd__whoami_commands] )) ||
_p2p__subcmd__help__subcmd__whoami_commands() {
    local commands; commands=()
    _describe -t commands 'p2p help whoami commands' commands "$@"
}
(( $+functions[_p2p__subcmd__info_commands] )) ||
_p2p__subcmd__info_commands() {
    local commands; commands=()
    _describe -t commands 'p2p info commands' commands "$@"
}
(( $+functions[_p2p__subcmd__keygen_commands] )) ||
_p2p__subcmd__keygen_commands() {
    local commands; commands=()
    _describe -t commands 'p2p keygen commands' commands "$@"
}
(( $+functions[_p2p__subcmd__login_commands] )) ||
_p2p__subcmd__login_commands() {
    local commands; commands=()
    _describe -t commands 'p2p login commands' commands "$@"
}
(( $+functions[_p2p__subcmd__logout_commands] )) ||
_p2p__subcmd__logout_commands() {
    local commands; commands=()
    _describe -t commands 'p2p logout commands' commands "$@"
}
(( $+functions[_p2p__subcmd__ls_commands] )) ||
_p2p__subcmd__ls_commands() {
    local commands; commands=()
    _describe -t commands 'p2p ls commands' commands "$@"
}
(( $+functions[_p2p__subcmd__man_commands] )) ||
_p2p__subcmd__man_commands() {
    local commands; commands=()
    _describe -t commands 'p2p man commands' commands "$@"
}
(( $+functions[_p2p__subcmd__mkdir_commands] )) ||
_p2p__subcmd__mkdir_commands() {
    local commands; commands=()
    _describe -t commands 'p2p mkdir commands' commands "$@"
}
(( $+functions[_p2p__subcmd__mv_commands] )) ||
_p2p__subcmd__mv_commands() {
    local commands; commands=()
    _describe -t commands 'p2p mv commands' commands "$@"
}
(( $+functions[_p2p__subcmd__nodes_commands] )) ||
_p2p__subcmd__nodes_commands() {
    local commands; commands=()
    _describe -t commands 'p2p nodes commands' commands "$@"
}
(( $+functions[_p2p__subcmd__orphans_commands] )) ||
_p2p__subcmd__orphans_commands() {
    local commands; commands=()
    _describe -t commands 'p2p orphans commands' commands "$@"
}
(( $+functions[_p2p__subcmd__otp_commands] )) ||
_p2p__subcmd__otp_commands() {
    local commands; commands=()
    _describe -t commands 'p2p otp commands' commands "$@"
}
(( $+functions[_p2p__subcmd__passwd_commands] )) ||
_p2p__subcmd__passwd_commands() {
    local commands; commands=()
    _describe -t commands 'p2p passwd commands' commands "$@"
}
(( $+functions[_p2p__subcmd__put_commands] )) ||
_p2p__subcmd__put_commands() {
    local commands; commands=()
    _describe -t commands 'p2p put commands' commands "$@"
}
(( $+functions[_p2p__subcmd__register_commands] )) ||
_p2p__subcmd__register_commands() {
    local commands; commands=()
    _describe -t commands 'p2p register commands' commands "$@"
}
(( $+functions[_p2p__subcmd__repl_commands] )) ||
_p2p__subcmd__repl_commands() {
    local commands; commands=()
    _describe -t commands 'p2p repl commands' commands "$@"
}
(( $+functions[_p2p__subcmd__replay_commands] )) ||
_p2p__subcmd__replay_commands() {
    local commands; commands=()
    _describe -t commands 'p2p replay commands' commands "$@"
}
(( $+functions[_p2p__subcmd__report_commands] )) ||
_p2p__subcmd__report_commands() {
    local commands; commands=()
    _describe -t commands 'p2p report commands' commands "$@"
}
(( $+functions[_p2p__subcmd__rm_commands] )) ||
_p2p__subcmd__rm_commands() {
    local commands; commands=()
    _describe -t commands 'p2p rm commands' commands "$@"
}
(( $+functions[_p2p__subcmd__run_commands] )) ||
_p2p__subcmd__run_commands() {
    local commands; commands=()
    _describe -t commands 'p2p run commands' commands "$@"
}
(( $+functions[_p2p__subcmd__serve_commands] )) ||
_p2p__subcmd__serve_commands() {
    local commands; commands=()
    _describe -t commands 'p2p serve commands' commands "$@"
}
(( $+functions[_p2p__subcmd__sessions_commands] )) ||
_p2p__subcmd__sessions_commands() {
    local commands; commands=()
    _describe -t commands 'p2p sessions commands' commands "$@"
}
(( $+functions[_p2p__subcmd__sftp_commands] )) ||
_p2p__subcmd__sftp_commands() {
    local commands; commands=()
    _describe -t commands 'p2p sftp commands' commands "$@"
}
(( $+functions[_p2p__subcmd__share_commands] )) ||
_p2p__subcmd__share_commands() {
    local commands; commands=()
    _describe -t commands 'p2p share commands' commands "$@"
}
(( $+functions[_p2p__subcmd__ssh_commands] )) ||
_p2p__subcmd__ssh_commands() {
    local commands; commands=()
    _describe -t commands 'p2p ssh commands' commands "$@"
}
(( $+functions[_p2p__subcmd__token_commands] )) ||
_p2p__subcmd__token_commands() {
    local commands; commands=()
    _describe -t commands 'p2p token commands' commands "$@"
}
(( $+functions[_p2p__subcmd__touch_commands] )) ||
_p2p__subcmd__touch_commands() {
    local commands; commands=()
    _describe -t commands 'p2p touch commands' commands "$@"
}
(( $+functions[_p2p__subcmd__unshare_commands] )) ||
_p2p__subcmd__unshare_commands() {
    local commands; commands=()
    _describe -t commands 'p2p unshare commands' commands "$@"
}
(( $+functions[_p2p__subcmd__uploads_commands] )) ||
_p2p__subcmd__uploads_commands() {
    local commands; commands=()
    _describe -t commands 'p2p uploads commands' commands "$@"
}
(( $+functions[_p2p__subcmd__verify_commands] )) ||
_p2p__subcmd__verify_commands() {
    local commands; commands=()
    _describe -t commands 'p2p verify commands' commands "$@"
}
(( $+functions[_p2p__subcmd__whoami_commands] )) ||
_p2p__subcmd__whoami_commands() {
    local commands; commands=()
    _describe -t commands 'p2p whoami commands' commands "$@"
}

if [ "$funcstack[1]" = "_p2p" ]; then
    _p2p "$@"
else
    compdef _p2p p2p
fi
