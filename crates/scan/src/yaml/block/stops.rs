//! Where a scalar or a key can end in the lines of a text, as masks with a bit for each byte.
//!
//! The masks of a text are made in one pass without a branch for each byte, so that the compiler can look at many at once.
//! Where a key ends, and where a line does, then takes a few instructions, however long they are.

/// Bytes that have their bits in one mask.
const BLOCK: usize = u64::BITS as usize;

/// Bytes of a word of the processor.
const WORD: usize = size_of::<u64>();

/// The bits that are found for each byte.
const STOP: u8 = 1;
/// Neither printable ASCII nor a line feed.
const ODD: u8 = 1 << 1;

/// What a byte is behind another one.
fn bits_of(byte: u8, before: u8) -> u8 {
    let is_space = |byte: u8| byte == b' ' || byte == b'\n';
    let is_mark = |byte: u8| byte == b':' || byte == b'#';
    let is_line_feed = byte == b'\n';
    let is_stop = is_line_feed || is_space(byte) && is_mark(before) || is_mark(byte) && is_space(before);
    let is_odd = byte.wrapping_sub(b' ') > b'~' - b' ' && !is_line_feed;
    (if is_stop { STOP } else { 0 }) | (if is_odd { ODD } else { 0 })
}

/// A mask of the first bits of a block, and whether there is another bit.
fn gathered(bits: &[u8; BLOCK]) -> (u64, bool) {
    const ODDS: u64 = u64::from_le_bytes([ODD; WORD]);
    const STOPS: u64 = u64::from_le_bytes([STOP; WORD]);
    // Multiplies by 2^(56 - 7 n) for each n: the bit of byte n, 8 n, becomes 56 + n. No two bits of the product meet.
    const GATHER: u64 = 0x0102_0408_1020_4080;
    let (words, _) = bits.as_chunks::<WORD>();
    let (mut stops, mut all) = ([0; WORD], 0);
    for (stops, word) in stops.iter_mut().zip(words) {
        let word = u64::from_le_bytes(*word);
        all |= word;
        [*stops, ..] = (word & STOPS).wrapping_mul(GATHER).to_be_bytes();
    }
    (u64::from_le_bytes(stops), all & ODDS != 0)
}

/// The stops of a text, in which line feeds without end follow its last byte: line feeds, and of each colon and `#` beside a
/// blank or a line feed the second byte of the two.
///
/// Nothing else ends a plain scalar outside of brackets, or makes a key of it: a colon before a blank or the end of the line,
/// or a `#` behind a blank (`ns-plain-safe-out` of YAML 1.1; `yaml_parser_scan_plain_scalar` of go-yaml's `scannerc.go`).
#[derive(Debug, Default)]
pub(super) struct Stops {
    masks: Vec<u64>,
}

impl Stops {
    /// Finds those of another text. Returns whether it has other characters than printable ones of ASCII and line feeds.
    pub(super) fn find(&mut self, text: &[u8]) -> bool {
        self.masks.clear();
        self.masks.reserve(text.len() / BLOCK + 1);
        let (mut has_odd, mut start) = (false, 0_usize);
        loop {
            let before = start.checked_sub(1).and_then(|before| text.get(before..));
            let blocks =
                text.get(start..).and_then(<[u8]>::first_chunk).zip(before.and_then(<[u8]>::first_chunk));
            // The first and the last block are copied: there is no byte before the one, and too few are in the other.
            let (mut block, mut behind) = ([b'\n'; BLOCK], [b'\n'; BLOCK]);
            let (block, behind) = blocks.unwrap_or_else(|| {
                let rest = text.get(start..).unwrap_or_default();
                let length = rest.len().min(BLOCK);
                block[..length].copy_from_slice(&rest[..length]);
                if let Some(first) = start.checked_sub(1).and_then(|before| text.get(before)) {
                    behind[0] = *first;
                }
                behind[1..].copy_from_slice(&block[..BLOCK - 1]);
                (&block, &behind)
            });
            let mut bits = [0; BLOCK];
            for ((bits, &byte), &before) in bits.iter_mut().zip(block).zip(behind) {
                *bits = bits_of(byte, before);
            }
            let (stops, is_odd) = gathered(&bits);
            self.masks.push(stops);
            has_odd |= is_odd;
            start += BLOCK;
            if start > text.len() {
                return has_odd;
            }
        }
    }

    /// The first stop from a place on.
    #[inline]
    pub(super) fn first(&self, from: usize) -> usize {
        let mask = |block: usize| self.masks.get(block).copied().unwrap_or(!0);
        let mut block = from / BLOCK;
        let mut bits = mask(block) >> (from % BLOCK) << (from % BLOCK);
        while bits == 0 {
            block += 1;
            bits = mask(block);
        }
        block * BLOCK + bits.trailing_zeros() as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_bytes_make_a_stop() {
        for before in 0..=u8::MAX {
            for byte in 0..=u8::MAX {
                let [is_space, was_space] = [byte, before].map(|byte| b" \n".contains(&byte));
                let [is_mark, was_mark] = [byte, before].map(|byte| b":#".contains(&byte));
                let is_stop = byte == b'\n' || is_mark && was_space || is_space && was_mark;
                let is_odd = byte != b'\n' && !matches!(byte, b' '..=b'~');
                let bits = bits_of(byte, before);
                assert_eq!([bits & STOP != 0, bits & ODD != 0], [is_stop, is_odd], "{before} {byte}");
            }
        }
    }

    #[test]
    fn stops_are_found_in_their_places_and_after_the_end() {
        let mut stops = Stops::default();
        for length in 0..3 * BLOCK {
            let text = format!("{}: b:c d#e #f\n", "a".repeat(length));
            let has_odd = stops.find(text.as_bytes());
            let mut found = Vec::new();
            let mut at = 0;
            while at < text.len() {
                at = stops.first(at) + 1;
                found.push(at - 1);
            }
            let mut expected = vec![length + 1, length + 10, length + 12];
            // A colon at the begin of the text is behind the end of a line.
            expected.splice(..0, (length == 0).then_some(0));
            assert_eq!(found, expected, "{text}");
            assert_eq!(
                [stops.first(text.len()), stops.first(text.len() + 1)],
                [0, 1].map(|more| text.len() + more)
            );
            assert!(!has_odd);
        }
    }

    #[test]
    fn odd_characters_are_found_wherever_they_are() {
        let mut stops = Stops::default();
        for odd in ["é", "\t", "\r", "\u{7f}", "\0"] {
            for length in 0..2 * BLOCK {
                assert!(stops.find(format!("{}{odd}", " ".repeat(length)).as_bytes()), "{odd:?}");
            }
        }
        assert!(!stops.find(b"") && !stops.find(&[b'~'; BLOCK]));
    }
}
