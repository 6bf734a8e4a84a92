//! The entries of the command table for storing, fetching, removing and sharing files.

use super::{BACKGROUND, FORCE, many, once, optional, recursive};
use crate::commands::{cancelling, copies, files, names, segments, uploads};
use crate::spec::{Audience, Flag, Group, Kind, Place, Spec};

pub(super) static COMMANDS: &[Spec] = &[
    Spec {
        name: "upload",
        aliases: &["put", "store"],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::ThisMachine,
        summary: "store files of this machine on the nodes",
        details: "A file is cut into segments, each goes to a node, all are made durable, and then it is listed. With --recursive \
                  a directory is stored with all files in it, and merged with a stored directory of its name: a file that is \
                  stored already with the same content is left out, one with other content is refused without --force, and neither \
                  ends the rest. A file that is replaced is there until the new one is. Symbolic links in it are not followed. \
                  PATH may be a pattern as for stored names, \
                  but a name that begins with a period is matched by a period alone: `photos/*` stores the files in a \
                  directory. NAME is another name, or, with a / at its end, a directory to store it in.",
        arguments: &[many("PATH", Kind::LocalPath)],
        flags: &[
            Flag { name: "as", short: None, value: Some(("NAME", Kind::StoredFile)), summary: "store it under another name" },
            recursive("store directories with all that is in them"),
            Flag { name: "force", short: Some('f'), value: None, summary: "replace stored files of that name" },
            Flag { name: "preserve", short: Some('p'), value: None, summary: "keep the times of modification and the modes" },
            Flag {
                name: "node",
                short: None,
                value: Some(("NODE", Kind::Node)),
                summary: "store on this node while it is alive and has room, and on others then",
            },
            BACKGROUND,
        ],
        run: |shell, call| Box::pin(files::upload(shell, call)),
    },
    Spec {
        name: "download",
        aliases: &["get", "fetch"],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::ThisMachine,
        summary: "fetch a stored file to this machine",
        details: "Every segment is checked against its SHA-256 before the file appears under its name. \
                  With --recursive a directory is fetched as PATH, or into PATH if that ends with a /, with all files in it: nothing is written outside of it, a file that is \
                  there already with the same content is left out, and one with other content is refused without --force. Of a \
                  range only the segments in which it lies are fetched and checked.",
        arguments: &[once("NAME", Kind::StoredFile), optional("PATH", Kind::LocalPath)],
        flags: &[
            recursive("fetch a directory with all that is in it"),
            Flag {
                name: "range",
                short: None,
                value: Some(("RANGE", Kind::Like(&["0-99", "100-", "-100"]))),
                summary: "fetch these bytes only: FIRST-LAST with both ends, FIRST- for the rest, -N for the last N",
            },
            FORCE,
            Flag {
                name: "preserve",
                short: Some('p'),
                value: None,
                summary: "give files the times of modification and the modes of the stored ones",
            },
            BACKGROUND,
        ],
        run: |shell, call| Box::pin(files::download(shell, call)),
    },
    Spec {
        name: "rm",
        aliases: &["delete", "remove"],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "remove stored files and directories",
        details: "One transaction makes a file, or a directory with all that is in it, invisible; then its segments are deleted, \
                  but for those that another file needs. Without --recursive a directory has to be empty. \
                  Before several files go, the screen and `p2p repl` at a terminal ask, unless --yes is given; scripts and \
                  other commands ask nothing.",
        arguments: &[many("NAME", Kind::StoredFile)],
        flags: &[
            recursive("remove directories with all that is in them"),
            BACKGROUND,
            Flag { name: "yes", short: Some('f'), value: None, summary: "ask nothing" },
        ],
        run: |shell, call| Box::pin(files::remove(shell, call)),
    },
    Spec {
        name: "mkdir",
        aliases: &[],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "make directories among your stored files",
        details: "",
        arguments: &[many("PATH", Kind::StoredFile)],
        flags: &[Flag {
            name: "parents",
            short: Some('p'),
            value: None,
            summary: "make those above too; one that exists is no error",
        }],
        run: |shell, call| Box::pin(names::make_directory(shell, call)),
    },
    Spec {
        name: "mv",
        aliases: &["move", "rename"],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "give a stored file or directory another name",
        details: "Where TO is a directory, or ends with a /, it is moved into that. No segment moves. With --force a file takes the place \
                  of a file, and a directory that of an empty one, in one step: there is never none of that name.",
        arguments: &[many("FROM", Kind::StoredFile), once("TO", Kind::StoredFile)],
        flags: &[Flag { name: "force", short: Some('f'), value: None, summary: "replace what has that name" }],
        run: |shell, call| Box::pin(names::rename(shell, call)),
    },
    Spec {
        name: "cp",
        aliases: &["copy"],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "copy stored files among your own",
        details: "Where TO is a directory, or ends with a /, they are copied into that. No byte moves: the copy needs the same segments, \
                  and counts for the quota with its size. Without --preserve it is modified now.",
        arguments: &[many("FROM", Kind::StoredFile), once("TO", Kind::StoredFile)],
        flags: &[
            Flag { name: "force", short: Some('f'), value: None, summary: "replace a file that has that name" },
            Flag { name: "preserve", short: Some('p'), value: None, summary: "keep the time of modification and the mode" },
        ],
        run: |shell, call| Box::pin(copies::copy(shell, call)),
    },
    Spec {
        name: "chmod",
        aliases: &[],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "set the permission bits of stored files and directories",
        details: "MODE is octal, such as 640. The bits are kept for other programs and allow nothing here: `share` and `unshare` say who \
                  may read. Those above 777 are dropped.",
        arguments: &[once("MODE", Kind::Like(&["644", "600", "755"])), many("NAME", Kind::StoredFile)],
        flags: &[],
        run: |shell, call| Box::pin(copies::change_mode(shell, call)),
    },
    Spec {
        name: "touch",
        aliases: &[],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "set the time of modification of stored files and directories",
        details: "Without --date it is now. What is not there is not made.",
        arguments: &[many("NAME", Kind::StoredFile)],
        flags: &[Flag {
            name: "date",
            short: Some('d'),
            value: Some(("TIME", Kind::Like(&["2026-11-28T06:30:00Z", "@1795847400"]))),
            summary: "set it to this time: of RFC 3339, or in seconds since 1970 behind an @",
        }],
        run: |shell, call| Box::pin(copies::touch(shell, call)),
    },
    Spec {
        name: "ls",
        aliases: &["list", "files"],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "list the stored files and directories",
        details: "Without PATH, what is at the root of your own files, and what other users share with you, as ~OWNER/NAME.",
        arguments: &[optional("PATH", Kind::StoredFile)],
        flags: &[Flag { name: "recursive", short: Some('R'), value: None, summary: "list all that is in the directories, too" }],
        run: |shell, call| Box::pin(names::list(shell, call)),
    },
    Spec {
        name: "info",
        aliases: &["stat"],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "show a stored file and who holds its segments, or a directory",
        details: "A file is readable while each of its segments lies on a node that can be reached. The state of a node is the \
                  fault that is on there, or else its health as the client's probes see it.",
        arguments: &[once("NAME", Kind::StoredFile)],
        flags: &[Flag {
            name: "segments",
            short: Some('s'),
            value: None,
            summary: "list each segment with the nodes on which it lies",
        }],
        run: |shell, call| Box::pin(names::info(shell, call)),
    },
    Spec {
        name: "verify",
        aliases: &[],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "fetch stored files, check every byte, and keep none of it",
        details: "Segments cross the virtual network as in a download, and every SHA-256 is checked. Of a directory all files \
                  are checked.",
        arguments: &[many("NAME", Kind::StoredFile)],
        flags: &[],
        run: |shell, call| Box::pin(files::verify(shell, call)),
    },
    Spec {
        name: "share",
        aliases: &[],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "let a user read a file or directory of yours, or store files in it",
        details: "They find it in their own list as ~OWNER/NAME. Of a directory they read all that is in it, now and later. With \
                  --upload they store new files in the directory, which are yours and count in your quota; what is there they \
                  neither replace nor, unless it is shared for reading too, see. Only you, and admins, may change it or share it \
                  further.",
        arguments: &[once("NAME", Kind::StoredFile), once("USER", Kind::User)],
        flags: &[Flag { name: "upload", short: None, value: None, summary: "let them store new files in the directory" }],
        run: |shell, call| Box::pin(names::share(shell, call, true)),
    },
    Spec {
        name: "unshare",
        aliases: &[],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "let a user read a file or directory of yours no longer, or store files in it",
        details: "What is shared by itself, or by a directory above, stays shared. Uploads that have begun go on.",
        arguments: &[once("NAME", Kind::StoredFile), once("USER", Kind::User)],
        flags: &[Flag { name: "upload", short: None, value: None, summary: "let them store files in the directory no longer" }],
        run: |shell, call| Box::pin(names::share(shell, call, false)),
    },
    Spec {
        name: "transfers",
        aliases: &["jobs"],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "list the transfers since the program started",
        details: "",
        arguments: &[],
        flags: &[],
        run: |shell, call| Box::pin(files::transfers(shell, call)),
    },
    Spec {
        name: "uploads",
        aliases: &[],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "list the uploads that are kept although they are not complete, or undo one",
        details: "`p2p put --keep` keeps what is stored if it is interrupted, for a day, and `p2p put --resume ID` continues it with \
                  the same file. Of what a kill interrupts, what was noted last is kept, and before the first 8 MiB there is no note. What is \
                  kept counts as yours, and its name is taken.",
        arguments: &[
            optional("forget", Kind::OneOf(&["forget"])),
            optional("ID", Kind::Other("9f86d081884c7d659a2feaa0c55ad015")),
        ],
        flags: &[],
        run: |shell, call| Box::pin(uploads::uploads(shell, call)),
    },
    Spec {
        name: "segments",
        aliases: &[],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "show when each segment of a transfer was queued, sent and acknowledged, or which segments lie on a node",
        details: "Without a transfer, the latest one. Of a node, the segments of the files that you may read are listed.",
        arguments: &[optional("TRANSFER", Kind::Transfer)],
        flags: &[Flag {
            name: "node",
            short: None,
            value: Some(("NODE", Kind::Node)),
            summary: "list the segments that lie on this node",
        }],
        run: |shell, call| Box::pin(segments::segments(shell, call)),
    },
    Spec {
        name: "cancel",
        aliases: &["abort"],
        group: Group::Files,
        audience: Audience::Users,
        place: Place::Anywhere,
        summary: "end a transfer and undo what it did, or all that waits",
        details: "It is undone as fast as the machine can, whatever the speed is, unless other transfers are under way: those keep \
                  their speed. `cancel waiting` ends all that has not begun, of whichever command, and what has begun goes on: the \
                  transfers in the background of which nothing has arrived yet, but for removals, and in the full-screen interface \
                  the files and the commands of the lines that wait.",
        arguments: &[once("TRANSFER|waiting", Kind::TransferOrWaiting)],
        flags: &[],
        run: |shell, call| Box::pin(cancelling::cancel(shell, call)),
    },
];
