# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_p2p_global_optspecs
    string join \n ascii connect= tls-ca= tls-fingerprint= theme= data-dir= wait= config= seed= speed= user= password-file= token-file= h/help V/version
end

function __fish_p2p_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_p2p_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_p2p_using_subcommand
    set -l cmd (__fish_p2p_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c p2p -n "__fish_p2p_needs_command" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_needs_command" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_needs_command" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_needs_command" -l theme -d 'The colours: dark, light, high-contrast, mono; by default those chosen on the screen before, or light or dark as the terminal is' -r -f -a "dark\t''
light\t''
high-contrast\t''
mono\t''"
complete -c p2p -n "__fish_p2p_needs_command" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_needs_command" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_needs_command" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_needs_command" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_needs_command" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_needs_command" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_needs_command" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_needs_command" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_needs_command" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_needs_command" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_needs_command" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "demo" -d 'Take a tour in the terminal; without one, store three files, read them back, and report what was measured'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "put" -d 'Store files on the nodes'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "get" -d 'Fetch stored files'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "ls" -d 'List the stored files and directories'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "rm" -d 'Remove stored files and directories'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "uploads" -d 'List the uploads that are kept although they are not complete, or undo one'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "mkdir" -d 'Make directories among your stored files'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "mv" -d 'Give a stored file or directory another name, or move it into a directory'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "cp" -d 'Copy stored files among your own; no byte moves'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "chmod" -d 'Set the permission bits of stored files and directories, which are kept and allow nothing'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "touch" -d 'Set the time of modification of stored files and directories'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "info" -d 'Show a stored file and who holds its segments, or a directory'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "stat" -d 'Show a stored file and who holds its segments, or a directory'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "verify" -d 'Fetch a stored file or all files of a directory, check every byte, and keep none of it'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "share" -d 'Let a user read a file of yours, or a directory with all that is in it, or store files in it'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "unshare" -d 'Revoke a user\'s access to a file or a directory'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "nodes" -d 'List the nodes, with what probes over the virtual network say of them'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "report" -d 'Report on files, nodes and the network; with --html as a page'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "orphans" -d 'List unreferenced segments on volumes that another catalog has written to; free or adopt them'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "register" -d 'Make an account'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "login" -d 'Log in, until `p2p logout`'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "logout" -d 'End the session that `p2p login` began'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "whoami" -d 'Show who is logged in'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "sessions" -d 'List your sessions, or end one'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "token" -d 'API tokens: make one for a program, list yours, or revoke one'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "passwd" -d 'Change your password; your other sessions and your API tokens end'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "otp" -d 'One-time passwords: a second factor for your logins'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "flow" -d 'Time TCP flows on the virtual wire, like iperf on a real one'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "run" -d 'Carry out a script of commands, and stop at the first that fails'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "repl" -d 'Type commands line by line, without the full-screen interface'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "keygen" -d 'Make a pair of SSH keys in the data directory, for a node or a user'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "ssh" -d 'Carry a command out at a node of a running `p2p serve --ssh`, or at a host of p2p.toml, over SSH'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "broadcast" -d 'Carry a command out at all nodes of a running `p2p serve --ssh` at once'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "sftp" -d 'Send files to a node of a running `p2p serve --ssh`, or to a host of p2p.toml, fetch them, or list a directory there, over SFTP'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "serve" -d 'Serve other programs over gRPC, SSH and REST, and browsers, until SIGTERM'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "cert" -d 'Make a certificate for the services, and its key'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "events" -d 'Print what happens at a running `p2p serve`, as it happens'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "replay" -d 'Replay a recording, and compare the trace'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "config" -d 'Print the configuration in effect, and where each value came from'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "export" -d 'Write everything that the catalog knows, as JSON'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "completions" -d 'Print completions for a shell: source them, or put them where it looks'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "man" -d 'Print the manual page of the program, or of one of its commands'
complete -c p2p -n "__fish_p2p_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l html -d 'Write the report to FILE as a page of HTML with charts, which needs no network and no script' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l services -d 'Store one more file over gRPC and read it over SFTP, through sockets of this machine; prints the report, and takes no tour'
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l force -d 'Replace FILE if it is there'
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand demo" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand demo" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand demo" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand put" -l as -d 'Store the file under NAME instead of its own name; with a / at its end, NAME is a directory to store it in' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand put" -l resume -d 'Continue the upload that is kept as ID, with the same file: of the same size and modification time, and beginning with what is kept; `-` is compared with that alone. The times, modes and --force with which it was begun hold. `p2p uploads` lists what is kept' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand put" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand put" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand put" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand put" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand put" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand put" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand put" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand put" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand put" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand put" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand put" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand put" -s r -l recursive -d 'Store directories with all files in them; what is stored already with the same content is left out'
complete -c p2p -n "__fish_p2p_using_subcommand put" -s f -l force -d 'Replace stored files of that name; each is there until the new one is'
complete -c p2p -n "__fish_p2p_using_subcommand put" -s p -l preserve -d 'Keep the times of modification and the modes of the files'
complete -c p2p -n "__fish_p2p_using_subcommand put" -l keep -d 'Keep what is stored if this is interrupted, for a day; what is said first has the ID for --resume. Of what a kill (SIGKILL, a crash) interrupts, what was noted last is kept: notes begin after 8 MiB'
complete -c p2p -n "__fish_p2p_using_subcommand put" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand put" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand put" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand put" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand get" -s o -l output-file -d 'The file or the directory to put it in, instead of this directory; `-` for standard output' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand get" -l range -d 'Fetch these bytes only: FIRST-LAST with both ends, counted from 0, FIRST- for the rest, -N for the last N' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand get" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand get" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand get" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand get" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand get" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand get" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand get" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand get" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand get" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand get" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand get" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand get" -s f -l force -d 'Replace a file that is there'
complete -c p2p -n "__fish_p2p_using_subcommand get" -s p -l preserve -d 'Give the files the times of modification and the modes of the stored ones'
complete -c p2p -n "__fish_p2p_using_subcommand get" -s r -l recursive -d 'Fetch directories with all files in them; what is there already with the same content is left out'
complete -c p2p -n "__fish_p2p_using_subcommand get" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand get" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand get" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand get" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand ls" -s R -l recursive -d 'List all that is in the directories, too'
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand ls" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand ls" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand ls" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand rm" -s r -l recursive -d 'Remove directories with all that is in them'
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand rm" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand rm" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand rm" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l forget -d 'Undo this upload' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand uploads" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -s p -l parents -d 'Make those above too; one that exists is no error'
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand mkdir" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand mv" -s f -l force -d 'Replace what has that name'
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand mv" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand mv" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand mv" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand cp" -s f -l force -d 'Replace a file that has that name'
complete -c p2p -n "__fish_p2p_using_subcommand cp" -s p -l preserve -d 'Keep the time of modification and the mode'
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand cp" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand cp" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand cp" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand chmod" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand touch" -s d -l date -d 'Set this time, such as 2026-11-28T06:30:00Z or @1795847400; now by default' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand touch" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand touch" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand touch" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand info" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand info" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand info" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand info" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand info" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand info" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand info" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand info" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand info" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand info" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand info" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand info" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand info" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand info" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand info" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand stat" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand stat" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand stat" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand verify" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand verify" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand verify" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand share" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand share" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand share" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand share" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand share" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand share" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand share" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand share" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand share" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand share" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand share" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand share" -l upload -d 'The access for storing new files in the directory, which are its owner\'s; not that for reading'
complete -c p2p -n "__fish_p2p_using_subcommand share" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand share" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand share" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand share" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l upload -d 'The access for storing new files in the directory, which are its owner\'s; not that for reading'
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand unshare" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand nodes" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand report" -l html -d 'Write the report to FILE as a page of HTML with charts, which needs no network and no script' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand report" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand report" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand report" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand report" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand report" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand report" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand report" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand report" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand report" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand report" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand report" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand report" -l force -d 'Replace FILE if it is there'
complete -c p2p -n "__fish_p2p_using_subcommand report" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand report" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand report" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand report" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand orphans" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand register" -l admission-file -d 'With --connect: read the setup token of the server, or an invite of an admin, from the first line of FILE. It is also taken from P2P_SETUP_TOKEN or P2P_INVITE, or else typed' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand register" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand register" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand register" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand register" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand register" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand register" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand register" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand register" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand register" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand register" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand register" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand register" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand register" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand login" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand login" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand login" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand login" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand login" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand login" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand login" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand login" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand login" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand login" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand login" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand login" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand login" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l all -d 'End every session of the user'
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand logout" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand logout" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand logout" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand whoami" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l revoke -d 'End this session' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand sessions" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand token" -l scope -d 'For `new`: the most that the program may do, `read` by default' -r -f -a "read\t''
write\t''
admin\t''"
complete -c p2p -n "__fish_p2p_using_subcommand token" -l path -d 'For `new`: the file or directory of yours that the program is limited to; it need not exist yet' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand token" -l expires -d 'For `new`: when it ends, such as 30d or 12h from now; 90d by default, at most 366d' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand token" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand token" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand token" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand token" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand token" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand token" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand token" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand token" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand token" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand token" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand token" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand token" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand token" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand token" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand token" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand passwd" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand otp" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand otp" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand otp" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l bandwidth -d 'The rate of the link' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l delay -d 'How long a packet travels one way: fixed, or a range as in 1ms..10ms' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l loss -d 'How likely a packet is lost, each way' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l bytes -d 'What each flow carries' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l congestion -d 'The congestion control: cubic or newreno, or several in turn for the flows, as in cubic,newreno' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l flows -d 'How many flows start at once' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l shape -d 'Their topology' -r -f -a "single\t'All flows share one link'
fanout\t'One host sends to many, over access links'
incast\t'Many hosts send to one, over access links'"
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l queue -d 'How many packets may wait in a queue [default: twice the bandwidth-delay product, at least 100]' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l host-time -d 'How long a host takes to hand a packet from its link to its TCP: fixed, or a range' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l runs -d 'How many runs, each with the next seed' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l seed -d 'The seed of the first run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l pcap -d 'Write the packets of the first run to FILE, for Wireshark' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l cwnd -d 'Write the congestion windows of the first run over time to FILE, as CSV' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l force -d 'Replace files that are there'
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand flow" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand flow" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand flow" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand run" -l set -d 'Give the script\'s variable $NAME a value, as `set NAME VALUE` would' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand run" -s c -d 'Take COMMANDS for the script; `;` stands between them' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand run" -l html -d 'Write the report to FILE as a page of HTML with charts, which needs no network and no script' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand run" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand run" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand run" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand run" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand run" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand run" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand run" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand run" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand run" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand run" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand run" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand run" -l force -d 'Replace FILE if it is there'
complete -c p2p -n "__fish_p2p_using_subcommand run" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand run" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand run" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand run" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand repl" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand repl" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand repl" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l type -d 'Type of the key' -r -f -a "ed25519\t'Ed25519'
rsa\t'RSA of 2,048 bits'"
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l passphrase -d 'Ask for a passphrase by which the private key is encrypted; a node\'s key has none'
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l force -d 'Replace a key that is there'
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand keygen" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l password-file -d 'Read the password from the first line of FILE; otherwise that of a node is read from P2P_PASSWORD, or typed' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -s l -l user -d 'Log in as NAME; otherwise as who has logged in by `p2p login`, or as the only user for whom `p2p keygen` has made a key' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand ssh" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l password-file -d 'Read the password from the first line of FILE; otherwise that of a node is read from P2P_PASSWORD, or typed' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -s l -l user -d 'Log in as NAME; otherwise as who has logged in by `p2p login`, or as the only user for whom `p2p keygen` has made a key' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand broadcast" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l as -d 'For `put`: the path at the host, instead of its own name; with a / at its end, the directory to put it in' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -s o -l output-file -d 'For `get`: the file or the directory to put it in, instead of this directory; `-` for standard output' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l user -d 'Log in as NAME; otherwise as who has logged in by `p2p login`, or as the only user for whom `p2p keygen` has made a key' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l password-file -d 'Read the password from the first line of FILE; otherwise that of a node is read from P2P_PASSWORD, or typed' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -s f -l force -d 'Replace a file that is there; it is there until the new one is'
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -s p -l preserve -d 'Keep the times of modification and the modes of the files'
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l resume -d 'Continue what an interrupted transfer has kept, and keep what is transferred if this one is interrupted; without, nothing is left of one'
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -s l -l long -d 'For `ls`: show modes, sizes and times too'
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand sftp" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l grpc -d 'Serve gRPC, at ADDRESS instead of that in p2p.toml (:0 takes a free port). If no service is named, all are served: gRPC, SSH and the web' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l grpc-nodes -d 'Serve an endpoint of each node too: Node_01 at ADDRESS, Node_02 at the next port, and so on (:0 takes free ports); at those of p2p.toml or from 127.0.0.1:50051 on without ADDRESS' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l ssh -d 'Serve SSH, one server a node: Node_01 at ADDRESS instead of that in p2p.toml, Node_02 at the next port, and so on (:0 takes free ports)' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l web -d 'Serve REST and the pages for browsers, at ADDRESS instead of that in p2p.toml (:0 takes a free port)' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l exit-with-parent -d 'End when the process ends that has started this one'
complete -c p2p -n "__fish_p2p_using_subcommand serve" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand serve" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand cert" -l days -d 'How many days the certificate is valid' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand cert" -s o -l output-directory -d 'Write the files into DIR instead of `keys` in the data directory' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand cert" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand cert" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand cert" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand cert" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand cert" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand cert" -l force -d 'Replace a certificate and a key that are there'
complete -c p2p -n "__fish_p2p_using_subcommand cert" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand cert" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand cert" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand cert" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand events" -l after -d 'Begin after this event, whose number is the first word of its line; without it, with the next one' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand events" -l kind -d 'Tell of events of this kind alone, such as FileStored; may be given several times' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand events" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand events" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand events" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand events" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand events" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand events" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand events" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand events" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand events" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand events" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand events" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand events" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand events" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand events" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand events" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand replay" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand replay" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand replay" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand replay" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand replay" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand replay" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c p2p -n "__fish_p2p_using_subcommand replay" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand config" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand config" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand config" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand config" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand config" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand config" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand config" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand config" -l json -d 'Print JSON and nothing else on standard output (the fields are in docs/json.md)'
complete -c p2p -n "__fish_p2p_using_subcommand config" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand config" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand config" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand export" -s o -l output-file -d 'Write to OUT instead of standard output' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand export" -l data-dir -d 'Keep files, catalog and logs in DIR instead of ~/.local/share/p2p' -r -f -a "(__fish_complete_directories)"
complete -c p2p -n "__fish_p2p_using_subcommand export" -l wait -d 'Where another process uses the data directory, wait up to SPAN (30s, 5m) for its end' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand export" -l config -d 'Read FILE instead of ./p2p.toml' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand export" -l seed -d 'Seed of the random numbers: the same seed gives the same run' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand export" -l speed -d 'Let virtual time pass this fast: 1x, 10x, max' -r -f -a "1x\t''
10x\t''
100x\t''
max\t''"
complete -c p2p -n "__fish_p2p_using_subcommand export" -l user -d 'Log in as NAME; the password is read from P2P_PASSWORD, or else typed, a code from P2P_OTP' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand export" -l password-file -d 'Read the password from the first line of FILE' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand export" -l token-file -d 'Read an API token from the first line of FILE; otherwise it is read from P2P_TOKEN, if that is set' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand export" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand export" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand export" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand export" -l force -d 'Replace a file that is there'
complete -c p2p -n "__fish_p2p_using_subcommand export" -l json -d 'Accepted for the sake of scripts: an export is always JSON'
complete -c p2p -n "__fish_p2p_using_subcommand export" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand export" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand export" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand completions" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand completions" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand completions" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand completions" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand completions" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand completions" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand man" -l connect -d 'Ask the `p2p serve` at URL, such as grpc://127.0.0.1:50050, or grpcs://127.0.0.1:50050 with TLS, instead of a data directory: put, get, ls, rm, uploads, mv, cp, chmod, touch, mkdir, info, share, unshare, events, register, whoami, login, nodes, node, topology, status, faults, kill, stop, start, restart, refuse, flap, disk, link, path, partition, heal, speed, pause, resume and step can' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand man" -l tls-ca -d 'Speak TLS with the server of --connect, and trust the certificates in FILE (PEM) instead of the public authorities' -r -F
complete -c p2p -n "__fish_p2p_using_subcommand man" -l tls-fingerprint -d 'Speak TLS with the server of --connect, and trust the certificate with this SHA-256 and no other' -r -f
complete -c p2p -n "__fish_p2p_using_subcommand man" -l ascii -d 'Print and draw with ASCII characters only'
complete -c p2p -n "__fish_p2p_using_subcommand man" -s h -l help -d 'Print help'
complete -c p2p -n "__fish_p2p_using_subcommand man" -s V -l version -d 'Print version'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "demo" -d 'Take a tour in the terminal; without one, store three files, read them back, and report what was measured'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "put" -d 'Store files on the nodes'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "get" -d 'Fetch stored files'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "ls" -d 'List the stored files and directories'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "rm" -d 'Remove stored files and directories'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "uploads" -d 'List the uploads that are kept although they are not complete, or undo one'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "mkdir" -d 'Make directories among your stored files'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "mv" -d 'Give a stored file or directory another name, or move it into a directory'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "cp" -d 'Copy stored files among your own; no byte moves'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "chmod" -d 'Set the permission bits of stored files and directories, which are kept and allow nothing'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "touch" -d 'Set the time of modification of stored files and directories'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "info" -d 'Show a stored file and who holds its segments, or a directory'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "verify" -d 'Fetch a stored file or all files of a directory, check every byte, and keep none of it'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "share" -d 'Let a user read a file of yours, or a directory with all that is in it, or store files in it'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "unshare" -d 'Revoke a user\'s access to a file or a directory'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "nodes" -d 'List the nodes, with what probes over the virtual network say of them'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "report" -d 'Report on files, nodes and the network; with --html as a page'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "orphans" -d 'List unreferenced segments on volumes that another catalog has written to; free or adopt them'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "register" -d 'Make an account'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "login" -d 'Log in, until `p2p logout`'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "logout" -d 'End the session that `p2p login` began'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "whoami" -d 'Show who is logged in'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "sessions" -d 'List your sessions, or end one'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "token" -d 'API tokens: make one for a program, list yours, or revoke one'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "passwd" -d 'Change your password; your other sessions and your API tokens end'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "otp" -d 'One-time passwords: a second factor for your logins'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "flow" -d 'Time TCP flows on the virtual wire, like iperf on a real one'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "run" -d 'Carry out a script of commands, and stop at the first that fails'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "repl" -d 'Type commands line by line, without the full-screen interface'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "keygen" -d 'Make a pair of SSH keys in the data directory, for a node or a user'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "ssh" -d 'Carry a command out at a node of a running `p2p serve --ssh`, or at a host of p2p.toml, over SSH'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "broadcast" -d 'Carry a command out at all nodes of a running `p2p serve --ssh` at once'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "sftp" -d 'Send files to a node of a running `p2p serve --ssh`, or to a host of p2p.toml, fetch them, or list a directory there, over SFTP'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "serve" -d 'Serve other programs over gRPC, SSH and REST, and browsers, until SIGTERM'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "cert" -d 'Make a certificate for the services, and its key'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "events" -d 'Print what happens at a running `p2p serve`, as it happens'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "replay" -d 'Replay a recording, and compare the trace'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "config" -d 'Print the configuration in effect, and where each value came from'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "export" -d 'Write everything that the catalog knows, as JSON'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "completions" -d 'Print completions for a shell: source them, or put them where it looks'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "man" -d 'Print the manual page of the program, or of one of its commands'
complete -c p2p -n "__fish_p2p_using_subcommand help; and not __fish_seen_subcommand_from demo put get ls rm uploads mkdir mv cp chmod touch info verify share unshare nodes report orphans register login logout whoami sessions token passwd otp flow run repl keygen ssh broadcast sftp serve cert events replay config export completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'

# Names of stored files, which the program itself knows.
complete -c p2p -n "__fish_seen_subcommand_from get rm mv info verify share unshare ls" -f -a '(p2p stored-names -- (commandline -ct) 2>/dev/null)'
