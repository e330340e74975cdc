//! Whom to ask the API server about: what it said lately, how often it may be asked, and one question at a time about
//! each token.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::{Mutex as Queue, OwnedMutexGuard};
use tokio::time::Instant;

use super::answers::{Answers, Remembered};
use super::{Budget, TokenHash};

/// When the last question about a token failed.
type Failed = Option<Instant>;

/// Remembers answers by a hash of the token. `A` is what is said of those that are let in, `R` of others.
pub(crate) struct Ledger<A, R> {
    answers: Mutex<Answers<A, R>>,
    /// Questions about tokens that nothing is known of.
    strangers: Budget,
    /// Questions about tokens that were let in before.
    regulars: Budget,
    /// Tokens that somebody asks about.
    asking: Mutex<HashMap<TokenHash, Weak<Queue<Failed>>>>,
}

/// What to do about a caller.
pub(crate) enum Next<A, R> {
    /// The API server let them in lately.
    LetIn(A),
    /// It refused them lately.
    Refused(R),
    /// Too many questions at once: to be tried again later.
    Busy,
    /// It did not answer whoever asked the same at the same time.
    Failed,
    /// Ask it; what it said lately is given where that is not enough.
    Ask(Turn, Option<A>),
}

/// The right to ask about one token. Others who come with it wait until this is dropped, and find what came of it.
pub(crate) struct Turn {
    token: TokenHash,
    began: Instant,
    failed: OwnedMutexGuard<Failed>,
}

impl Turn {
    /// There was no answer.
    pub(crate) fn fail(mut self) {
        *self.failed = Some(Instant::now());
    }
}

impl<A: Clone, R: Copy> Ledger<A, R> {
    pub(crate) fn new(regulars: Budget) -> Self {
        Self {
            answers: Mutex::new(Answers::default()),
            strangers: Budget::new(),
            regulars,
            asking: Mutex::new(HashMap::new()),
        }
    }

    /// What to do about whoever brings a token. `is_enough` says whether an answer tells what is wanted.
    pub(crate) async fn next(&self, token: &str, is_enough: impl FnOnce(&A) -> bool) -> Next<A, R> {
        let token: TokenHash = Sha256::digest(token).into();
        let came = Instant::now();
        let failed = self.queue(token).lock_owned().await;
        let began = Instant::now();
        let remembered = self.answers.lock().get(&token, began);
        let (budget, known) = match remembered {
            Remembered::LetIn(answer) if is_enough(&answer) => return Next::LetIn(answer),
            Remembered::Refused(answer) => return Next::Refused(answer),
            Remembered::LetIn(answer) => (&self.regulars, Some(answer)),
            Remembered::LetInBefore => (&self.regulars, None),
            Remembered::Nothing => (&self.strangers, None),
        };
        // Whoever waited for an answer that did not come does not wait for another.
        if failed.is_some_and(|at| at > came) {
            return Next::Failed;
        }
        if !budget.take(began) {
            return Next::Busy;
        }
        Next::Ask(Turn { token, began, failed }, known)
    }

    /// The API server lets them in. An answer is as old as its question.
    pub(crate) fn let_in(&self, turn: &Turn, answer: A) {
        self.answers.lock().let_in(turn.token, answer, turn.began);
    }

    /// It says more of whom it let in.
    pub(crate) fn add(&self, turn: &Turn, answer: A) {
        self.answers.lock().add(&turn.token, answer);
    }

    /// It refuses them.
    pub(crate) fn refuse(&self, turn: &Turn, answer: R) {
        self.answers.lock().refuse(turn.token, answer, Instant::now());
    }

    fn queue(&self, token: TokenHash) -> Arc<Queue<Failed>> {
        let mut asking = self.asking.lock();
        if let Some(queue) = asking.get(&token).and_then(Weak::upgrade) {
            return queue;
        }
        // Before the table grows, so that this costs little each time.
        if asking.len() == asking.capacity() {
            asking.retain(|_, queue| queue.strong_count() > 0);
        }
        let queue = Arc::new(Queue::new(None));
        asking.insert(token, Arc::downgrade(&queue));
        queue
    }
}
