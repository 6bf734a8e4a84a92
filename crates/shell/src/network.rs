//! The network that commands about nodes, faults and time are about: that of this process, or that of a server. What such a command says
//! is the same of both, since it is one function.

use std::future::Future;

use p2p_base::units::{SimDuration, SimTime};
use p2p_engine::faults::{ActiveFault, ClearedFaults};
use p2p_engine::operation::{
    Break, ClearFaults, ListFaults, ListHosts, ListNodes, ListTransfers, Mend, Pause, Resume, SetSpeed, Step, Which,
};
use p2p_engine::pace::{PaceStatus, Speed};
use p2p_engine::snapshot::{HostStatus, NodeStatus};
use p2p_service::profiles::Profiles;
use p2p_store::manifest::NodeNumber;

use crate::answer::Notice;
use crate::{Shell, ShellError};

/// Node as far as it is known.
#[derive(Debug, Clone, PartialEq)]
pub struct KnownNode {
    /// Status of the node.
    pub status: NodeStatus,
    /// Trouble with its disk in words, if any, whoever has put it into words.
    pub trouble: Option<String>,
}

impl From<NodeStatus> for KnownNode {
    fn from(status: NodeStatus) -> KnownNode {
        KnownNode { trouble: status.trouble.as_ref().map(ToString::to_string), status }
    }
}

/// Faults that were taken back together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    /// Faults that are on no more.
    pub taken_back: Vec<ActiveFault>,
    /// Nodes whose processes could not be started, each with the reason if it is known.
    pub not_running: Vec<(NodeNumber, Option<String>)>,
}

/// Virtual instant, and how fast time passes at it.
pub type Moment = (SimTime, PaceStatus);

/// Change of the way in which virtual time passes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Passing {
    /// Stands still.
    Pause,
    /// Passes again.
    Resume,
    /// Passes at this speed.
    Speed(Speed),
    /// Goes on to the next event, or for a span.
    Step(Option<SimDuration>),
}

/// Network that is asked by commands. Each of the functions fails if it does not answer, or refuses.
pub trait Network: Sync {
    /// Error of a command.
    type Error: From<ShellError> + Send;

    /// Returns the nodes, by number.
    fn nodes(&self) -> impl Future<Output = Result<Vec<KnownNode>, Self::Error>> + Send;
    /// Returns the hosts with their links, the client first.
    fn hosts(&self) -> impl Future<Output = Result<Vec<HostStatus>, Self::Error>> + Send;
    /// Returns the faults that are on, by target.
    fn faults(&self) -> impl Future<Output = Result<Vec<ActiveFault>, Self::Error>> + Send;
    /// Returns the profiles of faults, by name.
    fn profiles(&self) -> impl Future<Output = Result<Profiles, Self::Error>> + Send;
    /// Returns the virtual instant, and how fast time passes.
    fn clock(&self) -> impl Future<Output = Result<Moment, Self::Error>> + Send;
    /// Returns the same, with the number of transfers under way.
    fn state(&self) -> impl Future<Output = Result<(Moment, u64), Self::Error>> + Send;
    /// Puts faults on.
    fn put_on(&self, what: Break) -> impl Future<Output = Result<(), Self::Error>> + Send;
    /// Takes back one fault, or all of one kind, and returns them.
    fn take_back(&self, what: Mend) -> impl Future<Output = Result<Vec<ActiveFault>, Self::Error>> + Send;
    /// Takes several faults back.
    fn clear(&self, which: Which) -> impl Future<Output = Result<Cleared, Self::Error>> + Send;
    /// Changes the way in which time passes, and returns what it is then.
    fn pass(&self, how: Passing) -> impl Future<Output = Result<Moment, Self::Error>> + Send;
    /// Refuses an action of a command that is for admins, called `what`, to other users.
    fn require_admin(&self, what: &'static str) -> impl Future<Output = Result<(), Self::Error>> + Send;

    /// Returns the node that lines are about if they name none.
    fn place(&self) -> Option<NodeNumber> {
        None
    }
}

impl Network for Shell {
    type Error = ShellError;

    async fn nodes(&self) -> Result<Vec<KnownNode>, ShellError> {
        Ok(self.call(ListNodes).await?.into_iter().map(KnownNode::from).collect())
    }

    async fn hosts(&self) -> Result<Vec<HostStatus>, ShellError> {
        Ok(self.call(ListHosts).await?.hosts)
    }

    async fn faults(&self) -> Result<Vec<ActiveFault>, ShellError> {
        self.call(ListFaults).await
    }

    async fn profiles(&self) -> Result<Profiles, ShellError> {
        Ok(Profiles::clone(self.access.profiles()))
    }

    async fn clock(&self) -> Result<Moment, ShellError> {
        let snapshot = self.access.snapshot();
        Ok((snapshot.at, snapshot.pace))
    }

    async fn state(&self) -> Result<(Moment, u64), ShellError> {
        let under_way = self.call(ListTransfers).await?.iter().filter(|transfer| !transfer.state.is_over()).count();
        Ok((self.clock().await?, under_way as u64))
    }

    async fn put_on(&self, what: Break) -> Result<(), ShellError> {
        match what {
            Break::Stop { .. } | Break::Restart { .. } => self.wait_for(what).await,
            _ => self.call(what).await,
        }
    }

    async fn take_back(&self, what: Mend) -> Result<Vec<ActiveFault>, ShellError> {
        let cleared = match what {
            Mend::Flap { .. } | Mend::Process { .. } => self.wait_for(what).await,
            _ => self.call(what).await,
        };
        Ok(cleared?.taken_back)
    }

    async fn clear(&self, which: Which) -> Result<Cleared, ShellError> {
        let ClearedFaults { taken_back, not_running } = self.wait_for(ClearFaults { which }).await?;
        let in_words = |(node, trouble): (NodeNumber, Option<_>)| (node, trouble.as_ref().map(ToString::to_string));
        Ok(Cleared { taken_back, not_running: not_running.into_iter().map(in_words).collect() })
    }

    async fn pass(&self, how: Passing) -> Result<Moment, ShellError> {
        match how {
            Passing::Pause => self.call(Pause).await?,
            Passing::Resume => self.call(Resume).await?,
            Passing::Speed(speed) => self.call(SetSpeed { speed }).await?,
            Passing::Step(span) => {
                if span.is_some() {
                    self.notify(Notice::Waits);
                }
                self.call(Step { span }).await?;
            }
        }
        self.clock().await
    }

    async fn require_admin(&self, what: &'static str) -> Result<(), ShellError> {
        Ok(self.access.require_admin(&self.identity(), what).await?)
    }

    fn place(&self) -> Option<NodeNumber> {
        self.node
    }
}
