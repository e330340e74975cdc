//! What goes wrong, and with which requests.

use std::time::Duration;

use super::layer::RequestInfo;
use crate::double::Verb;

/// What goes wrong with one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It arrives so much later, whether the sender still waits or not.
    Delay(Duration),
    /// The answer comes so much later.
    DelayAnswer(Duration),
    /// The connection breaks before it is sent.
    DropBefore,
    /// It is carried out, and the connection breaks before the answer.
    DropAfter,
    /// It is held until this time from the start, and then carried out, as by a server that was stopped and goes on.
    HoldUntil(Duration),
    /// It goes nowhere, and nothing says so.
    Hang,
    /// It is carried out, and the answer goes nowhere.
    HangAfter,
    /// It is refused with this code, and perhaps a number of seconds to wait.
    Status(u16, Option<u32>),
    /// The body of the answer breaks off after so many bytes.
    Truncate(usize),
    /// The answer is a watch, with which this happens.
    Stream(StreamFault),
    /// Another client is first: it changes the object, removes it, or makes another one of its name.
    Overtaken {
        /// Whether it removes what is there already.
        removes: bool,
        /// How much later the answer comes: what the other client did may be shown before.
        delay: Duration,
    },
    /// The process that sends it is killed.
    Kill(KillPoint),
}

/// What goes wrong with a watch, after so many of its lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "`after` counts the lines that pass")]
pub enum StreamFault {
    /// It ends, as after its time.
    End { after: usize },
    /// The connection breaks.
    Reset { after: usize },
    /// Its version has expired: an error inside the stream, which then ends.
    Expire { after: usize },
    /// Nothing comes any more, and the connection stays open.
    Freeze { after: usize },
    /// The last events come once more, in their order.
    Replay { after: usize, count: usize },
    /// Nothing passes for so long; then its version has expired. What happened meanwhile is never shown.
    Miss { after: usize, lasts: Duration },
    /// Each line comes so much later.
    Drip { delay: Duration },
}

/// When a process is killed, seen from one of its requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KillPoint {
    /// It is not sent.
    BeforeSending,
    /// It is sent, and carried out.
    AfterSending,
    /// Its answer has come.
    AfterAnswer,
}

/// Which requests something goes wrong with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trigger {
    /// The request of this number, from 1.
    Number(usize),
    /// The write of this number, from 1; those of the lease and reviews of access are not counted.
    Write(usize),
    /// The request of this number among those of a verb on a resource.
    Nth {
        /// What it does.
        verb: Verb,
        /// To which resource, by its plural name.
        plural: &'static str,
        /// Its number, from 1.
        nth: usize,
    },
    /// All requests in a time from the start.
    Window {
        /// Begins then.
        from: Duration,
        /// Ends before this.
        until: Duration,
        /// Only those of these verbs.
        verbs: &'static [Verb],
        /// Only those to this resource.
        plural: Option<&'static str>,
    },
}

/// One rule of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FaultRule {
    /// Which requests.
    pub trigger: Trigger,
    /// What goes wrong with them.
    pub fault: Fault,
}

impl FaultRule {
    pub(super) fn is_for(&self, request: &RequestInfo) -> bool {
        match &self.trigger {
            Trigger::Number(number) => request.number == *number,
            Trigger::Write(number) => request.write == Some(*number),
            Trigger::Nth { verb, plural, nth } => {
                (request.verb, &*request.plural, request.nth) == (Some(*verb), plural, *nth)
            }
            Trigger::Window { from, until, verbs, plural } => {
                (*from..*until).contains(&request.at)
                    && request.verb.is_none_or(|verb| verbs.contains(&verb))
                    && plural.is_none_or(|plural| *request.plural == *plural)
            }
        }
    }

    /// What a time in which nothing gets through does to watches of a resource that are open when it begins.
    pub(super) fn on_open_watches(&self, watched: &str) -> Option<OnOpenWatch> {
        let Trigger::Window { from, until, verbs, plural } = &self.trigger else { return None };
        if !verbs.contains(&Verb::Watch) || plural.is_some_and(|plural| plural != watched) {
            return None;
        }
        match self.fault {
            Fault::DropBefore | Fault::Status(..) => Some(OnOpenWatch::BreaksOff { at: *from }),
            Fault::HoldUntil(_) | Fault::Hang => Some(OnOpenWatch::Stalls { from: *from, until: *until }),
            _ => None,
        }
    }
}

/// What becomes of a watch that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OnOpenWatch {
    BreaksOff { at: Duration },
    Stalls { from: Duration, until: Duration },
}
