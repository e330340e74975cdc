//! How much of a document is needed.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// What is needed of a document. All of it is checked, whatever is needed.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Need {
    Nothing,
    Keys(Keys),
    Everything,
}

/// A part of a document.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Keys {
    /// Picks by its key an entry of a mapping, wherever the mapping is among what is needed.
    pub(crate) is_needed: fn(&str) -> bool,
    /// If one of them is in another entry, everything is needed.
    pub(crate) words: &'static LazyLock<Words>,
}

/// How many words are looked for.
const WORDS: usize = 3;

/// Words without a line break that are looked for in texts.
#[derive(Debug)]
pub(crate) struct Words([Finder<'static>; WORDS]);

impl Words {
    pub(crate) fn new(words: [&'static str; WORDS]) -> Self {
        Self(words.map(Finder::new))
    }

    /// Whether one of them is in a text.
    pub(crate) fn are_in(&self, text: &str) -> bool {
        self.0.iter().any(|word| word.find(text.as_bytes()).is_some())
    }
}

/// Looks out for words while a text is read line by line.
#[derive(Debug)]
pub(super) struct Lookout<'t> {
    text: &'t str,
    words: Option<&'static Words>,
    /// Where each word is next, and the first of these places: behind the text if there is none.
    next: [usize; WORDS],
    first: usize,
}

impl<'t> Lookout<'t> {
    pub(super) fn new(text: &'t str, need: Need) -> Self {
        let words = match need {
            Need::Keys(keys) => Some(&**keys.words),
            Need::Nothing | Need::Everything => None,
        };
        let mut lookout = Self { text, words, next: [0; WORDS], first: text.len() };
        lookout.pass(0);
        lookout
    }

    /// Goes on to a place where a line begins. Whether a word was before it.
    #[inline]
    pub(super) fn passes(&mut self, place: usize) -> bool {
        let passes = self.first < place;
        if passes {
            self.pass(place);
        }
        passes
    }

    fn pass(&mut self, place: usize) {
        let Some(Words(words)) = self.words else { return };
        let rest = self.text.as_bytes().get(place..).unwrap_or_default();
        for (word, next) in words.iter().zip(&mut self.next) {
            if *next <= place {
                *next = place + word.find(rest).unwrap_or(rest.len());
            }
        }
        self.first = self.next.iter().copied().min().unwrap_or(self.text.len());
    }
}
