//! Commands about the running program: help, reports, variables and expectations.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use p2p_base::replacement::{self, Existing};
use p2p_base::spelling::visible_path;
use p2p_engine::EngineError;
use serde_json::{Value, json};

use super::{files, names, network};
use crate::answer::{Answer, Effect, View};
use crate::call::Call;
use crate::page;
use crate::place::expand;
use crate::report::{ExportReport, count_of};
use crate::sentence::capitalised;
use crate::spec::{Audience, Group, Place, Spec};
use crate::table::{self, Table};
use crate::words::{Variables, is_variable_name};
use crate::{Shell, ShellError};

pub(crate) async fn help(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let Some(spec) = topic_of(shell.table(), call)? else { return Ok(overview(shell.table())) };
    let view = View::Sections(vec![(spec.usage(), View::Text(format!("\n{}", help_body(spec))))]);
    Ok(Answer::new(view, json!({ "name": spec.name, "usage": spec.usage(), "summary": spec.summary })))
}

/// Returns the command that the help is about.
pub(crate) fn topic_of(table: &Table, call: &Call) -> Result<Option<&'static Spec>, ShellError> {
    let find = |name| table.find(name).ok_or_else(|| call.wrong(format!("there is no command `{name}`")));
    call.argument(0).map(find).transpose()
}

/// Returns the help text of a command.
pub(crate) fn help_text(spec: &Spec) -> String {
    format!("{}\n\n{}", spec.usage(), help_body(spec))
}

/// Returns the help text of a command without its usage.
fn help_body(spec: &Spec) -> String {
    let mut text = format!("{}.", capitalised(spec.summary));
    if !spec.details.is_empty() {
        text.push_str(&format!(" {}", spec.details));
    }
    for flag in spec.flags {
        let letter = flag.short.map(|letter| format!("-{letter}, ")).unwrap_or_default();
        text.push_str(&format!("\n  {:16} {}", format!("{letter}--{}", flag.name), flag.summary));
    }
    if spec.audience == Audience::Admins {
        text.push_str("\nFor admins.");
    }
    text.push_str(match spec.place {
        Place::Anywhere => "",
        Place::AnywhereWithoutPath => "\nWith a path only on this machine: refused to clients of a service.",
        Place::ThisMachine => "\nOnly on this machine: refused to clients of a service.",
    });
    if !spec.aliases.is_empty() {
        let names = spec.aliases.iter().map(|alias| match table::first_words(alias) {
            [] => (*alias).to_owned(),
            words => format!("{alias} (`{} {}`)", spec.name, words.join(" ")),
        });
        text.push_str(&format!("\nAlso called: {}", names.collect::<Vec<_>>().join(", ")));
    }
    text
}

fn overview(table: &Table) -> Answer {
    let section = |group: Group| {
        let rows = table.commands().filter(|spec| spec.group == group);
        (group.name().to_owned(), View::pairs(rows.map(|spec| (spec.name, spec.summary.to_owned()))))
    };
    let data: Value = table.commands().map(|spec| json!({ "name": spec.name, "summary": spec.summary })).collect();
    Answer::new(View::Sections(Group::ALL.map(section).to_vec()), data)
}

/// Expectation about the answer of a command.
struct Expectation<'a> {
    command: String,
    operator: &'a str,
    text: &'a str,
}

impl Expectation<'_> {
    /// Fails unless the answer of the command, or its error, is as expected.
    fn compare(self, found: String) -> Result<Answer, ShellError> {
        let Expectation { command, operator, text } = self;
        let holds = if operator == "=" { found.trim() == text } else { found.contains(text) };
        match holds {
            true => Ok(Answer::nothing()),
            false => Err(ShellError::Unexpected { command, expected: format!("{operator} {text}"), found }),
        }
    }
}

fn expectation_of(call: &Call) -> Result<Expectation<'_>, ShellError> {
    let words = &call.arguments;
    let place = words.iter().rposition(|word| word == "contains" || word == "=");
    let place = place.filter(|&place| place > 0 && place + 2 == words.len());
    let place = place.ok_or_else(|| call.wrong("say what is expected: contains TEXT, or = TEXT".into()))?;
    Ok(Expectation { command: call.line_of(place), operator: &words[place], text: &words[place + 1] })
}

/// Refuses an expectation that is none, and one that cannot come true, since the words of its command are refused with another text. One of
/// another expectation is left to be carried out, so that none within each other, however many, are looked into.
pub(crate) fn check_expectation(table: &Table, call: &Call) -> Result<(), ShellError> {
    let expected = expectation_of(call)?;
    if call.argument(0).is_some_and(|name| call.spec.is_called(name)) {
        return Ok(());
    }
    match Call::parse_in(table, &expected.command, &Variables::new()) {
        Ok(_) => Ok(()),
        Err(error) => expected.compare(error.to_string()).map(drop),
    }
}

/// Refuses an expectation that cannot come true, since its command is known to be refused with another text.
pub(crate) fn compare_refusal(call: &Call, error: &ShellError) -> Result<(), ShellError> {
    expectation_of(call)?.compare(error.to_string()).map(drop)
}

/// Returns the command that an `expect` carries out; `None` if it is refused for its words.
pub(crate) fn expected_command(table: &Table, call: &Call) -> Option<Call> {
    let expected = expectation_of(call).ok()?;
    Call::parse_in(table, &expected.command, &Variables::new()).ok()?
}

pub(crate) async fn expect(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let expected = expectation_of(call)?;
    let answer = shell.run_to_end(&expected.command, &Variables::new()).await;
    expected.compare(answer.map_or_else(|error| error.to_string(), |answer| answer.view.text()))
}

/// Refuses a name that no variable can have.
pub(crate) fn check_variable(call: &Call) -> Result<(), ShellError> {
    let name = call.argument(0).unwrap_or_default();
    if is_variable_name(name) {
        return Ok(());
    }
    Err(call.wrong(format!("`{name}` is no name for a variable: letters, digits and _, no digit first")))
}

pub(crate) async fn set(_: &Shell, call: &Call) -> Result<Answer, ShellError> {
    check_variable(call)?;
    let (name, value) = (call.argument(0).unwrap_or_default(), call.argument(1).unwrap_or_default());
    Ok(Answer::nothing().with(Effect::Set(name.to_owned(), value.to_owned())))
}

pub(crate) async fn echo(_: &Shell, call: &Call) -> Result<Answer, ShellError> {
    Ok(Answer::text(call.arguments.join(" ")))
}

/// Returns the path of this machine at which a report is to be written, if it is.
pub(crate) fn report_path(call: &Call) -> Result<Option<PathBuf>, ShellError> {
    match call.flags.get("html") {
        None if call.has("force") => Err(call.wrong("--force is for --html FILE".into())),
        path => Ok(path.map(|path| expand(path))),
    }
}

pub(crate) async fn report(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let path = report_path(call)?;
    let parts = [
        ("files", names::all_files(shell)),
        ("transfers", files::transfers(shell, call).await?),
        ("nodes", network::nodes(shell, call).await?),
        ("network", network::stats(shell, call).await?),
    ];
    let data: serde_json::Map<String, Value> = parts.iter().map(|(name, part)| ((*name).to_owned(), part.data.clone())).collect();
    let view = View::Sections(parts.map(|(name, part)| (name.to_owned(), part.view)).to_vec());
    let Some(path) = path else { return Ok(Answer::new(view, Value::Object(data))) };
    let page = page::of_run(&shell.access, &view).await?;
    write_document(&path, &page, call.has("force"))?;
    Ok(Answer::new(View::Text(format!("the report is written to {}", visible_path(&path))), Value::Object(data)))
}

pub(crate) async fn export(shell: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let manifests = shell.access.manifests().await?;
    let data = super::data(&ExportReport::new(&manifests));
    let text = serde_json::to_string_pretty(&data).unwrap_or_default();
    let Some(path) = call.argument(0).map(expand) else { return Ok(Answer::new(View::Text(text), data)) };
    write_document(&path, &(text + "\n"), call.has("force"))?;
    let said = format!("{} written to {}", count_of(manifests.len() as u64, "file"), visible_path(&path));
    Ok(Answer::new(View::Text(said), json!({ "files": manifests.len(), "path": path.to_string_lossy() })))
}

/// Writes a document completely, and replaces an existing file only if `replace` is true.
///
/// # Errors
/// Fails if the path exists and may not be replaced, or if the directory cannot be written; then nothing has changed.
pub fn write_document(path: &Path, text: &str, replace: bool) -> Result<(), EngineError> {
    let existing = if replace { Existing::Replaced } else { Existing::Refused };
    replacement::write(path, existing, text.as_bytes()).map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => EngineError::DestinationTaken { path: path.to_owned() },
        _ => EngineError::Destination { path: path.to_owned(), reason: error.to_string() },
    })
}

pub(crate) async fn history(_: &Shell, _: &Call) -> Result<Answer, ShellError> {
    Ok(Answer::nothing().with(Effect::History))
}

pub(crate) async fn clear(_: &Shell, _: &Call) -> Result<Answer, ShellError> {
    Ok(Answer::nothing().with(Effect::Clear))
}

/// Answers with the way to the tour, for front ends without a screen; a screen begins it or leaves it instead.
pub(crate) async fn tour(_: &Shell, call: &Call) -> Result<Answer, ShellError> {
    let text = "the tour is for the full-screen interface: `p2p demo` in a terminal, or `tour` there";
    Ok(Answer::text(text.to_owned()).with(Effect::Tour { leaves: call.argument(0).is_some() }))
}

pub(crate) async fn quit(_: &Shell, call: &Call) -> Result<Answer, ShellError> {
    Ok(Answer::nothing().with(Effect::Quit { now: call.has("now") }))
}

/// Returns the reference of the commands of a table as Markdown, which `docs/commands.md` contains.
pub fn reference(table: &Table) -> String {
    let mut text = String::new();
    for group in Group::ALL {
        text.push_str(&format!("## {}\n\n", group.name()));
        for spec in table.commands().filter(|spec| spec.group == group) {
            text.push_str(&format!("### {}\n\n```text\n{}\n```\n\n", spec.name, help_text(spec)));
        }
    }
    text.trim_end().to_owned() + "\n"
}
