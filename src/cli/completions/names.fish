
# Names of stored files, which the program itself knows.
complete -c p2p -n "__fish_seen_subcommand_from get rm mv info verify share unshare ls" -f -a '(p2p stored-names -- (commandline -ct) 2>/dev/null)'
