//! The entries of the command table for commands about the speed of virtual time.

use super::optional;
use crate::commands::time;
use crate::spec::{Audience, Group, Kind, Place, Spec};

pub(super) static COMMANDS: &[Spec] = &[
    Spec {
        name: "speed",
        aliases: &[],
        group: Group::Time,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "show or set how fast virtual time passes",
        details: "A factor as in 1x, 0.5x or 100x, or max for as fast as the machine can.",
        arguments: &[optional("SPEED", Kind::Like(&["0.1x", "1x", "10x", "100x", "max"]))],
        flags: &[],
        run: |shell, call| Box::pin(time::speed(shell, call)),
    },
    Spec {
        name: "pause",
        aliases: &[],
        group: Group::Time,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "let virtual time stand still",
        details: "",
        arguments: &[],
        flags: &[],
        run: |shell, call| Box::pin(time::pause(shell, call)),
    },
    Spec {
        name: "resume",
        aliases: &["continue"],
        group: Group::Time,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "let virtual time pass again",
        details: "",
        arguments: &[],
        flags: &[],
        run: |shell, call| Box::pin(time::resume(shell, call)),
    },
    Spec {
        name: "step",
        aliases: &[],
        group: Group::Time,
        audience: Audience::Admins,
        place: Place::Anywhere,
        summary: "while paused, go on to the next event, or for a span of virtual time",
        details: "Where packets are watched, as on the screen, a step of one event says which of them it has sent.",
        arguments: &[optional("SPAN", Kind::Other("10ms"))],
        flags: &[],
        run: |shell, call| Box::pin(time::step(shell, call)),
    },
];
