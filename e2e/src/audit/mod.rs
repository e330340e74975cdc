//! Counting requests from the API server's audit log.
//!
//! The log has two lines of JSON (level Metadata) for each request: one before the API server does anything about
//! it (stage `RequestReceived`), one when its answer is complete (`ResponseComplete`). Only the second is counted. A
//! watch has no more than the second, once it has ended.
//!
//! Other clients see the effect of a request before its answer is complete, so before its second line is there.
//! Counting, and taking a [`Mark`], therefore wait for the answers of all requests that were received by then.

mod request;
mod requests;

use std::{
    collections::HashSet,
    fs::File,
    io::{BufRead, BufReader, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result};
use tokio::time::{Instant, sleep};

use self::request::Stage;
pub use self::{request::Request, requests::Requests};

/// How long to wait for an answer. If the API server is killed meanwhile, it never comes.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);

const INTERVAL: Duration = Duration::from_millis(2);

/// The audit log of a control plane.
#[derive(Clone, Debug)]
pub struct AuditLog {
    path: PathBuf,
    unanswered: Arc<Mutex<Unanswered>>,
}

/// A position in the audit log: everything behind it came later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mark(u64);

/// The requests that were received and not answered in the log up to a place.
#[derive(Debug, Default)]
struct Unanswered {
    read_to: Mark,
    ids: HashSet<String>,
}

impl AuditLog {
    pub(crate) fn at(path: &Path) -> Self {
        Self { path: path.to_owned(), unanswered: Arc::default() }
    }

    /// The end of the log, once all that was received until now is answered.
    ///
    /// # Errors
    /// The log cannot be read, or a line in it is no audit event.
    pub async fn mark(&self) -> Result<Mark> {
        self.answered().await
    }

    /// The requests behind `mark`, once all that was received until now is answered. Nothing is left out.
    ///
    /// # Errors
    /// The log cannot be read, or a line in it is no audit event.
    pub async fn since(&self, mark: Mark) -> Result<Requests> {
        self.answered().await?;
        self.advance(&mut { mark })
    }

    /// The requests behind `mark` that are answered, without waiting for others. The mark is moved behind the last
    /// of them: for readers that come back often.
    ///
    /// # Errors
    /// The log cannot be read, or a line in it is no audit event.
    pub fn advance(&self, mark: &mut Mark) -> Result<Requests> {
        let events = self.events(mark)?;
        Ok(events.into_iter().filter(|event| event.stage == Stage::ResponseComplete).collect())
    }

    /// Waits until each request that has been received is answered. Returns the place behind the last whole line.
    async fn answered(&self) -> Result<Mark> {
        let deadline = Instant::now() + ANSWERED_WITHIN;
        let mut awaited = self.read_on(|unanswered| unanswered.ids.clone())?;
        while !awaited.is_empty() && Instant::now() < deadline {
            sleep(INTERVAL).await;
            self.read_on(|unanswered| awaited.retain(|id| unanswered.ids.contains(id)))?;
        }
        self.read_on(|unanswered| {
            // Later marks do not wait for these again.
            unanswered.ids.retain(|id| !awaited.contains(id));
            unanswered.read_to
        })
    }

    /// Brings what is unanswered up to the end of the log.
    fn read_on<T>(&self, then: impl FnOnce(&mut Unanswered) -> T) -> Result<T> {
        let mut unanswered = self.unanswered.lock().unwrap_or_else(PoisonError::into_inner);
        let events = self.events(&mut unanswered.read_to)?;
        unanswered.follow(events);
        Ok(then(&mut unanswered))
    }

    fn events(&self, mark: &mut Mark) -> Result<Vec<Request>> {
        let read = |from: u64| -> Result<(Vec<Request>, u64)> {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(from))?;
            complete_lines(BufReader::new(file))
        };
        let (events, bytes) = read(mark.0).with_context(|| self.path.display().to_string())?;
        mark.0 += bytes;
        Ok(events)
    }
}

impl Unanswered {
    fn follow(&mut self, events: Vec<Request>) {
        for event in events {
            match event.stage {
                Stage::RequestReceived => self.ids.insert(event.audit_id),
                Stage::ResponseComplete => self.ids.remove(&event.audit_id),
            };
        }
    }
}

/// Parses all lines that are complete, and counts their bytes; the API server may be writing the last one.
fn complete_lines(mut log: impl BufRead) -> Result<(Vec<Request>, u64)> {
    let (mut events, mut bytes, mut line) = (Vec::new(), 0, Vec::new());
    loop {
        line.clear();
        let length = log.read_until(b'\n', &mut line)?;
        if !line.ends_with(b"\n") {
            return Ok((events, bytes));
        }
        let event = serde_json::from_slice(&line)
            .with_context(|| format!("no audit event: {}", String::from_utf8_lossy(&line).trim_end()))?;
        events.push(event);
        bytes += u64::try_from(length)?;
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use tempfile::NamedTempFile;

    use super::*;

    fn event(id: &str, stage: &str, agent: &str, verb: &str, group: &str, resource: &str) -> String {
        format!(
            "{{\"auditID\":\"{id}\",\"stage\":\"{stage}\",\"requestURI\":\"/\",\"verb\":\"{verb}\",\
             \"requestReceivedTimestamp\":\"\",\"stageTimestamp\":\"\",\"userAgent\":\"{agent}\",\
             \"user\":{{\"username\":\"admin\"}},\
             \"objectRef\":{{\"apiGroup\":\"{group}\",\"resource\":\"{resource}\"}},\
             \"responseStatus\":{{\"code\":201}}}}\n"
        )
    }

    fn answered(agent: &str, verb: &str, group: &str, resource: &str) -> String {
        event("1", "ResponseComplete", agent, verb, group, resource)
    }

    fn log(lines: &[String]) -> (NamedTempFile, AuditLog) {
        let mut file = NamedTempFile::new().unwrap();
        file.write_all(lines.concat().as_bytes()).unwrap();
        let log = AuditLog::at(file.path());
        (file, log)
    }

    async fn requests(lines: &[String]) -> Requests {
        let (_file, log) = log(lines);
        log.since(Mark::default()).await.unwrap()
    }

    #[tokio::test]
    async fn leaves_an_incomplete_line_for_later() {
        let whole = answered("a/1", "get", "", "pods");
        let (part, rest) = whole.split_at(20);
        let (mut file, log) = log(&[whole.clone(), part.to_owned()]);
        let mut mark = Mark::default();
        assert_eq!(log.advance(&mut mark).unwrap().count(), 1);
        assert_eq!(mark, Mark(u64::try_from(whole.len()).unwrap()));
        assert_eq!(log.mark().await.unwrap(), mark, "a mark is between lines");
        file.write_all(rest.as_bytes()).unwrap();
        assert_eq!(log.advance(&mut mark).unwrap().count(), 1);
    }

    #[test]
    fn refuses_what_is_no_event() {
        assert!(complete_lines(&b"panic: nil map\n"[..]).is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn waits_for_the_answer_of_what_was_received() {
        let received = event("7", "RequestReceived", "a/1", "create", "", "pods");
        let (mut file, log) = log(&[answered("a/1", "get", "", "pods"), received.clone()]);
        let (counted, ()) = tokio::join!(log.since(Mark::default()), async {
            sleep(ANSWERED_WITHIN / 2).await;
            file.write_all(event("7", "ResponseComplete", "a/1", "create", "", "pods").as_bytes()).unwrap();
        });
        assert_eq!(counted.unwrap().count(), 2, "the second one is counted once, by its answer");

        file.write_all(event("8", "RequestReceived", "a/1", "create", "", "pods").as_bytes()).unwrap();
        let began = Instant::now();
        log.mark().await.unwrap();
        assert!(began.elapsed() >= ANSWERED_WITHIN, "an API server that was killed never answers");
        let began = Instant::now();
        log.mark().await.unwrap();
        assert_eq!(began.elapsed(), Duration::ZERO, "which is waited for once");
    }

    #[tokio::test]
    async fn an_agent_that_never_appeared_is_no_zero() {
        let requests = requests(&[answered("a/1", "list", "", "pods")]).await;
        assert_eq!(requests.by_agent("a/").unwrap().mutating().count(), 0);
        let failure = requests.by_agent("b/").unwrap_err();
        assert_eq!(failure.to_string(), r#"no request at all by an agent b/…, only by {"a/1"}"#);
    }

    #[tokio::test]
    async fn separates_writes_from_leases_and_reviews() {
        let requests = requests(&[
            answered("a/1", "update", "coordination.k8s.io", "leases"),
            answered("a/1", "create", "authentication.k8s.io", "tokenreviews"),
            answered("a/1", "create", "authorization.k8s.io", "subjectaccessreviews"),
            answered("a/1", "create", "wgpolicyk8s.io", "policyreports"),
            answered("a/1", "watch", "", "pods"),
        ])
        .await;
        let writes = requests.mutating().without_leases_and_reviews();
        assert_eq!(writes.to_string(), "1 requests\n       1 create policyreports -> 201");
    }
}
