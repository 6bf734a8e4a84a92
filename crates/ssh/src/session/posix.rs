//! Commands of `sh` that programs expect at the other end of SSH, as rclone does: `echo`, `pwd`, `cd`, and sums of files and of what is sent.
//! `df` is a command of the language.
//!
//! A path is [one of SFTP](crate::paths): `/files/docs/a.bin`, or `docs/a.bin` from `/files` on. The SHA-256 of a stored file is known; for
//! another sum its bytes are fetched, segment by segment, and the client waits as for a download.

use p2p_service::access::{Access, AccessError};
use p2p_service::files::{Await, EngineError};
use p2p_service::statuses;
use sha1::Sha1;
use sha2::{Digest, Sha256};

use super::client::{Call, Client};
use super::{INTERRUPTED, SUCCESS};
use crate::paths::{HOME, stored_at};

/// Sums that are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sum {
    Md5,
    Sha1,
    Sha256,
}

impl Sum {
    fn of(command: &str) -> Option<Sum> {
        match command {
            "md5sum" => Some(Sum::Md5),
            "sha1sum" => Some(Sum::Sha1),
            "sha256sum" => Some(Sum::Sha256),
            _ => None,
        }
    }

    fn begin(self) -> Running {
        match self {
            Sum::Md5 => Running::Md5(md5::Context::new()),
            Sum::Sha1 => Running::Sha1(Sha1::new()),
            Sum::Sha256 => Running::Sha256(Sha256::new()),
        }
    }
}

/// Sum that is being made.
enum Running {
    Md5(md5::Context),
    Sha1(Sha1),
    Sha256(Sha256),
}

impl Running {
    fn take(&mut self, bytes: &[u8]) {
        match self {
            Running::Md5(sum) => sum.consume(bytes),
            Running::Sha1(sum) => sum.update(bytes),
            Running::Sha256(sum) => sum.update(bytes),
        }
    }

    fn finish(self) -> String {
        match self {
            Running::Md5(sum) => format!("{:x}", sum.finalize()),
            Running::Sha1(sum) => p2p_base::hex::hex(&sum.finalize()),
            Running::Sha256(sum) => p2p_base::hex::hex(&sum.finalize()),
        }
    }
}

/// Command of `sh` that a program asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Asked {
    /// Text to be said back.
    Echo(String),
    /// Directory in which one is.
    Directory,
    /// Change of the directory, which changes nothing.
    Nothing,
    /// Sum of each of these files, or of what is sent where there is none.
    Sums(SumOf),
}

/// Files of which a sum is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct SumOf {
    sum: Sum,
    files: Vec<String>,
}

impl Asked {
    /// Returns what a command asks for, if it is one of these.
    pub(super) fn of(command: &str) -> Option<Asked> {
        let words = words_of(command)?;
        let (first, rest) = words.split_first()?;
        match first.as_str() {
            // In the language a variable that is not set is an error. Programs tell shells apart by what they make of one.
            "echo" if command.contains(['$', '%']) => Some(Asked::Echo(rest.join(" "))),
            "pwd" if rest.is_empty() => Some(Asked::Directory),
            "cd" => Some(Asked::Nothing),
            name => {
                let files = rest.iter().filter(|word| *word != "--" && *word != "-b").cloned().collect();
                Sum::of(name).map(|sum| Asked::Sums(SumOf { sum, files }))
            }
        }
    }

    /// Answers, and returns the exit status.
    pub(super) async fn answer(self, client: &mut Client, access: &Access) -> u32 {
        match self {
            Asked::Echo(text) => client.print(&text).await,
            Asked::Directory => client.print(HOME).await,
            Asked::Nothing => {}
            Asked::Sums(SumOf { sum, files }) if files.is_empty() => return sum_of_input(client, sum).await,
            Asked::Sums(SumOf { sum, files }) => return sums_of_files(client, access, sum, &files).await,
        }
        SUCCESS
    }
}

/// Prints the sum of what the client sends.
async fn sum_of_input(client: &mut Client, sum: Sum) -> u32 {
    let mut running = sum.begin();
    loop {
        match client.bytes().await {
            Ok(Some(bytes)) => running.take(&bytes),
            Ok(None) => break,
            Err(_) => return INTERRUPTED,
        }
    }
    client.print(&format!("{}  -", running.finish())).await;
    SUCCESS
}

/// Prints the sum of each file; one that cannot be read is told, and the others follow.
async fn sums_of_files(client: &mut Client, access: &Access, sum: Sum, files: &[String]) -> u32 {
    let mut status = SUCCESS;
    for file in files {
        let summed = tokio::select! {
            biased;
            summed = sum_of_file(access, sum, file) => Ok(summed),
            call = client.call(false) => Err(call),
        };
        match summed {
            Ok(Ok(digits)) => client.print(&line_of(&digits, file)).await,
            Ok(Err(error)) => {
                client.complain(&format!("{file}: {error}")).await;
                status = statuses::of(error.kind()).exit.into();
            }
            Err(Call::Interrupt | Call::Gone) => return INTERRUPTED,
        }
    }
    status
}

/// Returns a line as the GNU programs write it: a name with a backslash or a line end is escaped, and the line begins with a backslash then.
fn line_of(digits: &str, file: &str) -> String {
    let escaped = file.replace('\\', "\\\\").replace('\n', "\\n").replace('\r', "\\r");
    let mark = if escaped == file { "" } else { "\\" };
    format!("{mark}{digits}  {escaped}")
}

async fn sum_of_file(access: &Access, sum: Sum, path: &str) -> Result<String, AccessError> {
    let nothing = || EngineError::UnknownFile { file: path.to_owned(), nearest: None };
    let (identity, name) = (access.check().await?, stored_at(path).ok_or_else(nothing)?);
    let file = access.readable(&identity, &name).await?;
    if sum == Sum::Sha256 {
        return Ok(file.sha256.to_string());
    }
    let (transfer, mut reader) = access.download_stream(&identity, &name, None, None).await?;
    // A reader that is dropped cancels the download.
    let mut running = sum.begin();
    let (mut found, mut sha256) = (0, Sha256::new());
    while let Ok(Some(bytes)) = reader.read().await {
        found += bytes.len() as u64;
        sha256.update(&bytes);
        running.take(&bytes);
    }
    if found == file.size && p2p_base::hex::hex(&sha256.finalize()) == file.sha256.to_string() {
        return Ok(running.finish());
    }
    access.call(Await { transfer }).await?.into_result()?;
    // A download that is told to be complete and whose bytes are others is an engine that is no longer there.
    Err(EngineError::Stopped.into())
}

/// Returns the commands of a line of which at least one is that of a program, in the order in which `sh` carries them out; `None` for a line of the
/// command language, and for one with an open quote.
pub(super) fn mixed(line: &str) -> Option<Vec<String>> {
    let commands = commands_of(line)?;
    (commands.len() > 1 && commands.iter().any(|command| Asked::of(command).is_some())).then_some(commands)
}

/// Splits a line at each `;` and each end of a line that is not quoted (POSIX.1-2017, section 2.9.3, "Sequential Lists").
fn commands_of(line: &str) -> Option<Vec<String>> {
    let (mut commands, mut command, mut chars) = (Vec::new(), String::new(), line.chars());
    while let Some(c) = chars.next() {
        match c {
            ';' | '\n' => commands.push(std::mem::take(&mut command)),
            '\\' => command.extend([c, chars.next()?]),
            quote @ ('\'' | '"') => {
                command.push(quote);
                loop {
                    let c = chars.next()?;
                    command.push(c);
                    match c {
                        '\\' if quote == '"' => command.push(chars.next()?),
                        c if c == quote => break,
                        _ => {}
                    }
                }
            }
            c => command.push(c),
        }
    }
    commands.push(command);
    Some(commands.iter().map(|command| command.trim().to_owned()).filter(|command| !command.is_empty()).collect())
}

/// Splits a command into words as `sh` does (POSIX.1-2017, section 2.2), with every variable empty; `None` if a quote is open, or if it is more
/// than one command.
fn words_of(command: &str) -> Option<Vec<String>> {
    let (mut words, mut word, mut chars) = (Vec::new(), None::<String>, command.trim().chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let text = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '\'' => break,
                        c => text.push(c),
                    }
                }
            }
            '"' => {
                let text = word.get_or_insert_default();
                loop {
                    match chars.next()? {
                        '"' => break,
                        '\\' => text.push(chars.next()?),
                        '$' => skip_variable(&mut chars),
                        c => text.push(c),
                    }
                }
            }
            '\\' => word.get_or_insert_default().push(chars.next()?),
            '$' => {
                word.get_or_insert_default();
                skip_variable(&mut chars);
            }
            ';' | '|' | '&' | '<' | '>' | '\n' | '`' => return None,
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    Some(words)
}

/// Passes over the name of a variable behind its `$`.
fn skip_variable(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) {
    if chars.next_if_eq(&'{').is_some() {
        for c in chars.by_ref() {
            if c == '}' {
                break;
            }
        }
        return;
    }
    while chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_').is_some() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_answered_as_by_a_shell() {
        assert_eq!(Asked::of("echo ${ShellId}%ComSpec%"), Some(Asked::Echo("%ComSpec%".into())));
        assert_eq!(Asked::of("pwd"), Some(Asked::Directory));
        assert_eq!(Asked::of("cd /tmp"), Some(Asked::Nothing));
        let sums =
            |sum, files: &[&str]| Some(Asked::Sums(SumOf { sum, files: files.iter().map(|&file| file.to_owned()).collect() }));
        assert_eq!(Asked::of("md5sum"), sums(Sum::Md5, &[]));
        assert_eq!(Asked::of("sha1sum '/files/a b.bin'"), sums(Sum::Sha1, &["/files/a b.bin"]));
        assert_eq!(Asked::of(r#"sha256sum /files/it\'s "x\"y" 'a'b"#), sums(Sum::Sha256, &["/files/it's", "x\"y", "ab"]));
        for others in ["df", "ls", "echo hello", "", "md5sum 'open", "md5sum a; rm b", "md5sum < a", "info report.pdf"] {
            assert_eq!(Asked::of(others), None, "{others}");
        }
    }

    #[test]
    fn a_line_may_mix_commands_of_programs_and_of_the_language() {
        let mixed = |line| mixed(line).map(|commands| commands.join("|"));
        assert_eq!(mixed("sha256sum a; ls").as_deref(), Some("sha256sum a|ls"));
        assert_eq!(mixed("cd docs;\n pwd ;").as_deref(), Some("cd docs|pwd"));
        assert_eq!(mixed(r#"ls; md5sum 'a;b' "c\";d" e\;f"#).as_deref(), Some(r#"ls|md5sum 'a;b' "c\";d" e\;f"#));
        for line in ["sha256sum a", "ls; df", "md5sum 'a; ls", "", ";"] {
            assert_eq!(mixed(line), None, "{line}");
        }
    }

    #[test]
    fn sums_are_those_of_the_programs() {
        let sum = |sum: Sum| {
            let mut running = sum.begin();
            running.take(b"abc\n");
            running.finish()
        };
        assert_eq!(sum(Sum::Md5), "0bee89b07a248e27c83fc3d5951213c1");
        assert_eq!(sum(Sum::Sha1), "03cfd743661f07975fa2f1220c5194cbaff48451");
        assert_eq!(sum(Sum::Sha256), "edeaaff3f1774ad2888673770c6d64097e391bc362d7d6fb34982ddf0efd18cb");
        assert_eq!(line_of("00", "a b"), "00  a b");
        assert_eq!(line_of("00", "a\\b\n"), "\\00  a\\\\b\\n");
    }
}
