//! Events of a server, printed one a line as they happen, until an interruption: `p2p events`.

use std::str::FromStr;

use clap::Args;
use eyre::Result;
use p2p_base::spelling::visible_line;
use p2p_grpc::proto::watch_events_response::Message;
use p2p_grpc::proto::{Event, EventId, WatchEventsRequest};
use p2p_service::interrupt::{self, interrupted};
use p2p_service::output;
use p2p_shell::asking::CommonArgs;
use p2p_shell::report::clock_of;
use serde_json::{Value, json};

use super::names::seconds;
use super::server::Server;
use super::visits::Visit;

/// `p2p events`
#[derive(Debug, Args)]
pub struct EventsArgs {
    /// Begin after this event, whose number is the first word of its line; without it, with the next one
    #[arg(long, value_name = "RUN:N")]
    after: Option<Place>,
    /// Tell of events of this kind alone, such as FileStored; may be given several times
    #[arg(long = "kind", value_name = "KIND")]
    kinds: Vec<String>,
    #[command(flatten)]
    common: CommonArgs,
}

/// Number of an event in a run, as users write it: `RUN:N`, where RUN is hexadecimal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    run: u64,
    number: u64,
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Place, String> {
        let parts = text.split_once(':').and_then(|(run, number)| {
            let run = u64::from_str_radix(run, 16).ok()?;
            Some(Place { run, number: number.parse().ok()? })
        });
        parts.ok_or_else(|| format!("`{text}` is no event; write it as its line does, such as 1f3a5b7c9d0e2468:42"))
    }
}

/// Prints what happens at a server, one line an event, until an interruption or the end of the server.
///
/// # Errors
/// Fails if the server cannot be asked, refuses, or ends.
pub async fn events(server: Server, args: &EventsArgs) -> Result<()> {
    let EventsArgs { after, kinds, common } = args;
    let visit = Visit::begin(server, &common.engine, &common.login).await?;
    let _attention = interrupt::attend()?;
    let after = after.map(|Place { run, number }| EventId { run, number });
    let wanted = WatchEventsRequest { after, kinds: kinds.clone() };
    let result = tokio::select! {
        biased;
        stop = interrupted() => Err(stop?.into()),
        result = watch(&visit, wanted, common.output.json) => result,
    };
    result.and(visit.end().await)
}

async fn watch(visit: &Visit, wanted: WatchEventsRequest, is_json: bool) -> Result<()> {
    let mut events = visit.client.watch(wanted).await.map_err(|error| visit.failed(error))?;
    while let Some(told) = events.message().await.map_err(|status| visit.failed(status.into()))? {
        match told.message {
            Some(Message::Event(event)) if is_json => output::print_json(&document(&event).to_string())?,
            Some(Message::Event(event)) => output::print_text(&line(&event))?,
            Some(Message::Lost(count)) if is_json => output::print_json(&json!({ "lost": count }).to_string())?,
            Some(Message::Lost(count)) => output::print_text(&format!("{count} events are too far back to be told"))?,
            None => {}
        }
    }
    Ok(())
}

fn place(event: &Event) -> String {
    let EventId { run, number } = event.id.unwrap_or_default();
    format!("{run:016x}:{number}")
}

fn document(event: &Event) -> Value {
    let fields: Value = serde_json::from_str(&event.fields).unwrap_or_default();
    json!({
        "id": place(event), "at_seconds": seconds(event.at), "kind": event.kind, "transfer": event.transfer, "path": event.path,
        "fields": fields,
    })
}

/// Returns the line of an event: its number, its instant on the clock of the screen, its kind, and what has happened in the words of the log.
fn line(event: &Event) -> String {
    let text = if event.text.is_empty() { stage_of(event) } else { event.text.clone() };
    let line = format!("{} {} {}", place(event), clock_of(seconds(event.at)), visible_line(&event.kind));
    if text.is_empty() { line } else { format!("{line}: {}", visible_line(&text)) }
}

/// Returns the stage that a segment of a transfer has reached, in words; empty for any other event.
fn stage_of(event: &Event) -> String {
    let fields: Value = serde_json::from_str(&event.fields).unwrap_or_default();
    let (timeline, number) = (&fields["timeline"], event.transfer.map(|transfer| format!("#{transfer} ")));
    match (fields["stage"].as_str(), &timeline["index"]) {
        (Some(stage), Value::Number(index)) => {
            let holder = timeline["holder"].as_u64().map(|node| format!(", Node_{node:02}")).unwrap_or_default();
            let stage = match stage {
                "firstbyte" => "first byte sent",
                "lastbyte" => "last byte arrived",
                stage => stage,
            };
            format!("{}segment {index} {stage}{holder}", number.unwrap_or_default())
        }
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_word_of_a_line_names_its_event() {
        let event = Event { id: Some(EventId { run: 0x1f, number: 42 }), kind: "FileStored".into(), ..Event::default() };
        let line = line(&event);
        assert_eq!(line, "000000000000001f:42 00:00.0 FileStored");
        assert_eq!(line.split(' ').next().unwrap().parse(), Ok(Place { run: 0x1f, number: 42 }));
        for wrong in ["", "1", "x:1", "1:", ":1", "1:-1"] {
            assert!(wrong.parse::<Place>().is_err(), "{wrong}");
        }
        assert_eq!(document(&event)["id"], "000000000000001f:42");
        let fields = r#"{"stage":"acknowledged","timeline":{"index":3}}"#.to_owned();
        let segment = Event { kind: "Segment".into(), transfer: Some(7), fields, ..event.clone() };
        assert!(super::line(&segment).ends_with(" 00:00.0 Segment: #7 segment 3 acknowledged"));
        let text = "connected to Node_02".to_owned();
        let connected = Event { kind: "Connected".into(), fields: r#"{"node":2}"#.into(), text, ..event };
        assert!(super::line(&connected).ends_with(" Connected: connected to Node_02"));
    }

    /// What a server says reaches no terminal as it is.
    #[test]
    fn no_field_of_a_line_disturbs_a_terminal() {
        let evil = "a\u{1b}[31m\u{9b}2J\u{202e}\r\nb";
        let escaped = serde_json::to_string(evil).unwrap();
        for fields in [format!("{{\"stage\":{escaped},\"timeline\":{{\"index\":{escaped}}}}}"), format!("{{\"x\":{escaped}}}")] {
            for path in [None, Some(evil.to_owned())] {
                for text in [String::new(), evil.to_owned()] {
                    let (path, fields) = (path.clone(), fields.clone());
                    let event = Event { kind: evil.into(), path, fields, text, ..Event::default() };
                    let line = line(&event);
                    assert!(visible_line(&line) == line, "{line:?}");
                }
            }
        }
    }
}
