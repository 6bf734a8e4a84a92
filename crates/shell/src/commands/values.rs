//! Checks of the values in the words of a command that need nothing but the words: what has another form or is out of bounds is refused when
//! the words are bound to the command, so before anything of a line begins. The functions that check a value are those by which the command
//! is carried out.

use super::{accounts, faults, files, invites, keys, network, otp, segments, session, time, tokens, uploads};
use crate::ShellError;
use crate::call::Call;
use crate::spec::{Kind, WAITING};
use crate::table::Table;

/// Checks the values of a command.
///
/// # Errors
/// Fails with the first that the command would refuse, whatever there is.
pub(crate) fn check_values(table: &Table, call: &Call) -> Result<(), ShellError> {
    for (place, text) in call.arguments.iter().enumerate() {
        match call.spec.argument_at(place).map(|argument| argument.kind) {
            Some(Kind::Node) => drop(call.node(place)?),
            Some(Kind::Transfer) => drop(call.transfer(place)?),
            Some(Kind::TransferOrWaiting) if text != WAITING => drop(call.transfer(place)?),
            _ => {}
        }
    }
    match call.spec.name {
        "stop" | "restart" => faults::within(call).map(drop),
        "disk" => faults::disk_of(call).map(drop),
        "link" => faults::link_of(call).map(drop),
        "path" => faults::path_of(call).map(drop),
        "partition" => faults::partition_of(call).map(drop),
        "heal" => faults::heal_of(call).map(drop),
        "flap" => faults::flap_of(call).map(drop),
        "faults" => faults::check_action(call),
        "speed" => time::speed_of(call).map(drop),
        "sleep" | "step" => time::span_of(call).map(drop),
        "trace" => network::packets_of(call).map(drop),
        "capture" => network::capture_of(call).map(drop),
        "download" => files::range_of(call).map(drop),
        "uploads" => uploads::forgotten_of(call).map(drop),
        "expect" => session::check_expectation(table, call),
        "help" => session::topic_of(table, call).map(drop),
        "set" => session::check_variable(call),
        "report" => session::report_path(call).map(drop),
        "audit" => accounts::count_of_entries(call).map(drop),
        "sessions" | "users" => accounts::named_of(call).map(drop),
        "otp" => otp::check_kind(call),
        "key" => keys::action_of(call).map(drop),
        "segments" => segments::node_named(call).map(drop),
        "token" => tokens::action_of(call).map(drop),
        "invite" => invites::action_of(call).map(drop),
        _ => Ok(()),
    }
}
