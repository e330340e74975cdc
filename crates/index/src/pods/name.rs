//! Name and UID of a pod, in one allocation.

/// Marks a UID that is kept as the 16 bytes of a UUID.
const UUID: u8 = u8::MAX;
/// Where a UUID has its hyphens.
const HYPHENS: [usize; 4] = [8, 13, 18, 23];

/// The name of a pod with its UID, which distinguishes it from another one that has its name later, and by which it is
/// reported where it is a workload of its own. A UUID, as every API server gives, takes 16 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodName(Box<[u8]>);

impl PodName {
    pub(super) fn new(name: &str, uid: &str) -> Self {
        let packed = pack(uid);
        let (mark, uid) = if let Some(bytes) = &packed {
            (UUID, &bytes[..])
        } else {
            let end = uid.floor_char_boundary(usize::from(UUID - 1));
            (u8::try_from(end).unwrap_or_default(), &uid.as_bytes()[..end])
        };
        Self([&[mark], uid, name.as_bytes()].concat().into())
    }

    pub(crate) fn name(&self) -> &str {
        self.parts().1
    }

    pub(crate) fn uid(&self) -> String {
        match self.parts() {
            (uid, _) if self.0.first() == Some(&UUID) => unpack(uid),
            (uid, _) => String::from_utf8_lossy(uid).into_owned(),
        }
    }

    fn parts(&self) -> (&[u8], &str) {
        let Some((mark, rest)) = self.0.split_first() else { return (&[], "") };
        let length = if *mark == UUID { 16 } else { usize::from(*mark) };
        let (uid, name) = rest.split_at_checked(length).unwrap_or_default();
        (uid, std::str::from_utf8(name).unwrap_or_default())
    }
}

/// The bytes of a UUID as API servers write it, in lower case.
fn pack(uid: &str) -> Option<[u8; 16]> {
    let text: &[u8; 36] = uid.as_bytes().try_into().ok()?;
    let mut bytes = [0; 16];
    let mut digits = 0;
    for (at, character) in text.iter().enumerate() {
        if HYPHENS.contains(&at) {
            if *character != b'-' {
                return None;
            }
            continue;
        }
        let digit = match character {
            b'0'..=b'9' => character - b'0',
            b'a'..=b'f' => character - b'a' + 10,
            _ => return None,
        };
        let byte = &mut bytes[digits / 2];
        *byte = (*byte << 4) | digit;
        digits += 1;
    }
    Some(bytes)
}

fn unpack(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        for digit in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(digit.into(), 16));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn name_and_uid_read_back() {
        let long = "ü".repeat(200);
        for uid in
            ["1b4e28ba-2fa1-11d2-883f-0016d3cca427", "uid-of-web", "", "1B4E28BA-2FA1-11D2-883F-0016D3CCA427"]
        {
            let packed = PodName::new("web-0", uid);
            assert_eq!((packed.name(), packed.uid().as_str()), ("web-0", uid));
        }
        let packed = PodName::new("web-0", &long);
        assert!(packed.name() == "web-0" && long.starts_with(&packed.uid()));
        assert_eq!(PodName::new("web-0", "1b4e28ba-2fa1-11d2-883f-0016d3cca427").0.len(), 22);
    }
}
