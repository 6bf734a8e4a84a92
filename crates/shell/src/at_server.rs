//! The commands that a server is asked for: each is carried out on the network of the server as it is on that of this process.

use crate::ShellError;
use crate::answer::Answer;
use crate::call::Call;
use crate::commands::{faults, network, status, time};
use crate::network::Network;
use crate::words::{Variables, quote};

/// Commands that a server is asked for, in the order of their topics.
pub const AT_SERVERS: [&str; 20] = [
    "nodes",
    "node",
    "topology",
    "status",
    "faults",
    "kill",
    "stop",
    "start",
    "restart",
    "refuse",
    "flap",
    "disk",
    "link",
    "path",
    "partition",
    "heal",
    "speed",
    "pause",
    "resume",
    "step",
];

/// Binds the words of a command of [`AT_SERVERS`], before a server is asked.
///
/// # Errors
/// Fails if the command does not take the words.
pub fn bound(words: &[String]) -> Result<Call, ShellError> {
    let line = words.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ");
    let call = Call::parse(&line, &Variables::default())?;
    call.ok_or_else(|| ShellError::Bad("no command is given".to_owned()))
}

/// Carries a command of [`AT_SERVERS`] out on a network.
///
/// # Errors
/// Fails if the network refuses, and for every other command.
pub async fn carry_out<N: Network>(network: &N, call: &Call) -> Result<Answer, N::Error> {
    match call.spec.name {
        "nodes" => network::nodes(network, call).await,
        "node" => network::node(network, call).await,
        "topology" => network::topology(network, call).await,
        "status" => status::status(network, call).await,
        "faults" => faults::faults(network, call).await,
        "kill" | "stop" | "start" | "restart" | "refuse" => faults::process(network, call).await,
        "flap" => faults::flap(network, call).await,
        "disk" => faults::disk(network, call).await,
        "link" => faults::link(network, call).await,
        "path" => faults::path(network, call).await,
        "partition" => faults::partition(network, call).await,
        "heal" => faults::heal(network, call).await,
        "speed" => time::speed(network, call).await,
        "pause" => time::pause(network, call).await,
        "resume" => time::resume(network, call).await,
        "step" => time::stepped(network, call).await,
        name => Err(ShellError::Bad(format!("`{name}` is no command that a server is asked for")).into()),
    }
}

#[cfg(test)]
mod tests {
    use p2p_engine::faults::ActiveFault;
    use p2p_engine::operation::{Break, Mend, Which};
    use p2p_engine::snapshot::HostStatus;
    use p2p_service::profiles::Profiles;

    use super::*;
    use crate::network::{Cleared, KnownNode, Moment, Passing};

    /// A network that refuses everything.
    struct Nothing;

    impl Network for Nothing {
        type Error = ShellError;

        async fn nodes(&self) -> Result<Vec<KnownNode>, ShellError> {
            Err(ShellError::Abandoned)
        }

        async fn hosts(&self) -> Result<Vec<HostStatus>, ShellError> {
            Err(ShellError::Abandoned)
        }

        async fn faults(&self) -> Result<Vec<ActiveFault>, ShellError> {
            Err(ShellError::Abandoned)
        }

        async fn profiles(&self) -> Result<Profiles, ShellError> {
            Err(ShellError::Abandoned)
        }

        async fn clock(&self) -> Result<Moment, ShellError> {
            Err(ShellError::Abandoned)
        }

        async fn state(&self) -> Result<(Moment, u64), ShellError> {
            Err(ShellError::Abandoned)
        }

        async fn put_on(&self, _: Break) -> Result<(), ShellError> {
            Err(ShellError::Abandoned)
        }

        async fn take_back(&self, _: Mend) -> Result<Vec<ActiveFault>, ShellError> {
            Err(ShellError::Abandoned)
        }

        async fn clear(&self, _: Which) -> Result<Cleared, ShellError> {
            Err(ShellError::Abandoned)
        }

        async fn pass(&self, _: Passing) -> Result<Moment, ShellError> {
            Err(ShellError::Abandoned)
        }

        async fn require_admin(&self, _: &'static str) -> Result<(), ShellError> {
            Ok(())
        }
    }

    /// Each command of the list is one of the language that is carried out, and no other is.
    #[tokio::test]
    async fn the_commands_of_the_list_are_carried_out() {
        for name in AT_SERVERS {
            let more: &[&str] = match name {
                "node" | "kill" | "stop" | "start" | "restart" | "refuse" => &["3"],
                "flap" => &["3", "--every", "1s"],
                "disk" => &["3", "--full"],
                "link" => &["client", "--queue", "7"],
                "path" => &["client,3", "--cut"],
                "partition" => &["1,2|3"],
                _ => &[],
            };
            let words: Vec<String> = [&[name], more].concat().into_iter().map(str::to_owned).collect();
            let call = bound(&words).unwrap();
            assert_eq!(call.spec.name, name);
            assert_eq!(carry_out(&Nothing, &call).await.unwrap_err(), ShellError::Abandoned, "{name}");
        }
        let other = bound(&["transfers".to_owned()]).unwrap();
        assert!(matches!(carry_out(&Nothing, &other).await, Err(ShellError::Bad(_))));
        assert!(bound(&["kill".to_owned()]).is_err() && bound(&[]).is_err());
    }
}
