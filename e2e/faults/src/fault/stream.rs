//! Bodies of answers that break off, stall or repeat themselves.

use std::collections::VecDeque;
use std::future::pending;
use std::io::{Error, ErrorKind};

use futures::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tower::BoxError;

use super::rule::StreamFault;
use super::upstream::AnswerBody;
use crate::double::ApiError;

type Line = Result<Bytes, BoxError>;

/// The lines of a watch, each with its end.
struct Lines {
    body: AnswerBody,
    buffer: Vec<u8>,
}

impl Lines {
    async fn next(&mut self) -> Option<Line> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Some(Ok(Bytes::from(line)));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => self.buffer.extend(frame.into_data().unwrap_or_default()),
                Some(Err(error)) => return Some(Err(error)),
                None if self.buffer.is_empty() => return None,
                None => return Some(Ok(Bytes::from(std::mem::take(&mut self.buffer)))),
            }
        }
    }
}

struct Faulty<E> {
    lines: Lines,
    fault: StreamFault,
    passed: usize,
    /// Events that passed, for a repetition.
    recent: VecDeque<Bytes>,
    again: VecDeque<Bytes>,
    has_ended: bool,
    has_fired: bool,
    ended: E,
}

/// A watch with which something goes wrong. `note_fault` is called when it does, and at its end.
pub(super) fn faulty(
    body: AnswerBody,
    fault: StreamFault,
    note_fault: impl Fn() + Send + 'static,
) -> AnswerBody {
    let faulty = Faulty {
        lines: Lines { body, buffer: Vec::new() },
        fault,
        passed: 0,
        recent: VecDeque::new(),
        again: VecDeque::new(),
        has_ended: false,
        has_fired: false,
        ended: note_fault,
    };
    let lines = stream::unfold(faulty, |mut faulty| async move {
        let line = faulty.next().await?;
        Some((line.map(Frame::data), faulty))
    });
    StreamBody::new(lines).boxed_unsync()
}

impl<E: Fn()> Faulty<E> {
    async fn next(&mut self) -> Option<Line> {
        if let Some(line) = self.again.pop_front() {
            return Some(Ok(line));
        }
        if self.has_ended {
            return None;
        }
        match self.fault {
            StreamFault::End { after } if self.passed >= after => self.end(None),
            StreamFault::Reset { after } if self.passed >= after => {
                let reset = Error::new(ErrorKind::ConnectionReset, "injected: connection reset");
                self.end(Some(Err(reset.into())))
            }
            StreamFault::Expire { after } if self.passed >= after => self.end(Some(Ok(expired()))),
            StreamFault::Freeze { after } if self.passed >= after => {
                (self.ended)();
                pending().await
            }
            StreamFault::Miss { after, lasts } if self.passed >= after => {
                let until = Instant::now() + lasts;
                while let Ok(Some(Ok(_missed))) = timeout_at(until, self.lines.next()).await {}
                sleep_until(until).await;
                self.end(Some(Ok(expired())))
            }
            StreamFault::Replay { after, .. } if self.passed >= after && !self.has_fired => {
                self.has_fired = true;
                (self.ended)();
                self.again.extend(self.recent.drain(..));
                match self.again.pop_front() {
                    Some(line) => Some(Ok(line)),
                    None => self.pass().await,
                }
            }
            StreamFault::Drip { delay } => {
                let line = self.pass().await;
                sleep(delay).await;
                (self.ended)();
                line
            }
            _ => self.pass().await,
        }
    }

    async fn pass(&mut self) -> Option<Line> {
        let line = self.lines.next().await;
        if let Some(Ok(line)) = &line {
            self.passed += 1;
            if let StreamFault::Replay { count, .. } = self.fault
                && !line.starts_with(b"{\"type\":\"BOOKMARK\"")
            {
                self.recent.push_back(line.clone());
                if self.recent.len() > count {
                    self.recent.pop_front();
                }
            }
        }
        line
    }

    fn end(&mut self, last: Option<Line>) -> Option<Line> {
        self.has_ended = true;
        (self.ended)();
        last
    }
}

fn expired() -> Bytes {
    let status = ApiError::expired("too old resource version: injected".to_owned()).status();
    Bytes::from(format!("{{\"type\":\"ERROR\",\"object\":{status}}}\n"))
}

/// A body that breaks off after so many bytes.
pub(super) fn truncated(body: AnswerBody, bytes: usize) -> AnswerBody {
    let parts = stream::unfold(Some((body, bytes)), |state| async move {
        let (mut body, left) = state?;
        if left == 0 {
            return Some((Err(BoxError::from(broken_off())), None));
        }
        match body.frame().await? {
            Ok(frame) => {
                let mut data = frame.into_data().unwrap_or_default();
                data.truncate(left);
                let left = left - data.len();
                Some((Ok(Frame::data(data)), Some((body, left))))
            }
            Err(error) => Some((Err(error), None)),
        }
    });
    StreamBody::new(parts).boxed_unsync()
}

/// A body that breaks off at a time.
pub(super) fn cut_off(body: AnswerBody, at: Instant) -> AnswerBody {
    let parts = stream::unfold(Some(body), move |state| async move {
        let mut body = state?;
        match timeout_at(at, body.frame()).await {
            Ok(frame) => Some((frame?, Some(body))),
            Err(_elapsed) => Some((Err(BoxError::from(broken_off())), None)),
        }
    });
    StreamBody::new(parts).boxed_unsync()
}

/// A body of which nothing passes for a time, and then all that came meanwhile.
pub(super) fn stalled(body: AnswerBody, from: Instant, until: Instant) -> AnswerBody {
    let parts = stream::unfold(body, move |mut body| async move {
        let frame = body.frame().await;
        if (from..until).contains(&Instant::now()) {
            sleep_until(until).await;
        }
        Some((frame?, body))
    });
    StreamBody::new(parts).boxed_unsync()
}

fn broken_off() -> Error {
    Error::new(ErrorKind::UnexpectedEof, "injected: the connection broke off")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::double::complete_body;

    const LINES: &str = "{\"type\":\"ADDED\",\"object\":1}\n{\"type\":\"BOOKMARK\",\"object\":2}\n{\"type\":\"ADDED\",\"object\":3}\n{\"type\":\"DELETED\",\"object\":4}\n";

    /// The objects of the lines, and whether the body broke off.
    async fn read(fault: StreamFault) -> (String, bool) {
        let mut lines =
            Lines { body: faulty(complete_body(LINES.as_bytes()), fault, || {}), buffer: Vec::new() };
        let (mut text, mut is_broken) = (String::new(), false);
        while let Some(line) = lines.next().await {
            match line {
                Ok(line) if line.starts_with(b"{\"type\":\"ERROR\"") => text.push('E'),
                Ok(line) => text.push(char::from(line[line.len() - 3])),
                Err(_) => is_broken = true,
            }
        }
        (text, is_broken)
    }

    #[tokio::test(start_paused = true)]
    async fn each_fault_of_a_watch_does_what_it_says() {
        let after = 3;
        for (fault, expected) in [
            (StreamFault::End { after }, ("123", false)),
            (StreamFault::Reset { after }, ("123", true)),
            (StreamFault::Expire { after }, ("123E", false)),
            (StreamFault::Replay { after, count: 2 }, ("123134", false)),
            (StreamFault::Miss { after, lasts: Duration::from_secs(9) }, ("123E", false)),
            (StreamFault::Drip { delay: Duration::from_secs(9) }, ("1234", false)),
        ] {
            let (text, is_broken) = read(fault).await;
            assert_eq!((&*text, is_broken), expected, "{fault:?}");
        }
        let frozen = read(StreamFault::Freeze { after });
        assert!(tokio::time::timeout(Duration::from_hours(1), frozen).await.is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_breaks_off_where_it_is_truncated() {
        let whole = || complete_body(LINES.as_bytes());
        assert!(truncated(whole(), 10).collect().await.is_err());
        assert!(truncated(whole(), LINES.len() + 1).collect().await.is_ok());
    }
}
