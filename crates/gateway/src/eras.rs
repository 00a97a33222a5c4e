//! Which eras a server speaks, as far as that is known. Learnt from how it answers a greeting, kept per entry and version
//! across processes, and corrected as soon as a greeting is answered otherwise.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};

use wire::Era;

/// See the module.
#[derive(Default)]
pub(crate) struct Eras {
    /// For each era a bit that says that it is spoken, and one that says that it is not.
    known: AtomicU8,
    /// The last greeting came to nothing.
    is_doubted: AtomicBool,
    loaded: OnceLock<()>,
}

impl Eras {
    /// Takes over what was persisted, the first time.
    pub(crate) fn load(&self, load: impl FnOnce() -> Option<Vec<u8>>) {
        self.loaded.get_or_init(|| {
            let known = load().and_then(|text| read(&text));
            // What this process has learnt meanwhile is newer.
            let is_free = self.known.load(Ordering::Relaxed) == 0;
            if let Some(known) = known.filter(|_| is_free) {
                self.known.store(known, Ordering::Relaxed);
            }
        });
    }

    /// Whether it speaks this era; none if that is not known.
    pub(crate) fn speaks(&self, era: Era) -> Option<bool> {
        let known = self.known.load(Ordering::Relaxed);
        match (known & yes(era) != 0, known & no(era) != 0) {
            (true, _) => Some(true),
            (false, true) => Some(false),
            (false, false) => None,
        }
    }

    /// The era in which it is spoken to on behalf of clients of this one: the same if it can, else the other; none
    /// while that is not known.
    pub(crate) fn wire(&self, clients: Era) -> Option<Era> {
        match (self.speaks(clients), self.speaks(other(clients))) {
            (Some(true), _) => Some(clients),
            (Some(false), Some(true)) => Some(other(clients)),
            _ => None,
        }
    }

    /// A greeting by what is known came to nothing: the next one does not rely on it.
    pub(crate) fn doubt(&self) {
        self.is_doubted.store(true, Ordering::Relaxed);
    }

    /// A greeting was answered.
    pub(crate) fn trust(&self) {
        self.is_doubted.store(false, Ordering::Relaxed);
    }

    /// Whether the last greeting came to nothing.
    pub(crate) fn is_doubted(&self) -> bool {
        self.is_doubted.load(Ordering::Relaxed)
    }

    /// Notes whether it speaks this era; what is to be persisted, if that is news.
    pub(crate) fn learn(&self, era: Era, speaks: bool) -> Option<Vec<u8>> {
        let (set, clear) = match speaks {
            true => (yes(era), no(era)),
            false => (no(era), yes(era)),
        };
        let before = self
            .known
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |known| {
                Some(known & !clear | set)
            })
            .unwrap_or_default();
        let after = before & !clear | set;
        (before != after).then(|| write(after))
    }
}

/// The era that is not this one.
pub(crate) fn other(era: Era) -> Era {
    match era {
        Era::Handshake => Era::Stateless,
        Era::Stateless => Era::Handshake,
    }
}

const NAMES: [(&str, u8); 4] = [
    ("handshake", yes(Era::Handshake)),
    ("no handshake", no(Era::Handshake)),
    ("stateless", yes(Era::Stateless)),
    ("no stateless", no(Era::Stateless)),
];

const fn yes(era: Era) -> u8 {
    match era {
        Era::Handshake => 1,
        Era::Stateless => 4,
    }
}

const fn no(era: Era) -> u8 {
    yes(era) << 1
}

fn write(known: u8) -> Vec<u8> {
    let names = NAMES.iter().filter(|(_, bit)| known & bit != 0);
    let names: Vec<&str> = names.map(|(name, _)| *name).collect();
    names.join(",").into_bytes()
}

/// None if it was not written by us.
fn read(text: &[u8]) -> Option<u8> {
    let text = std::str::from_utf8(text).ok()?;
    text.split(',').try_fold(0, |known, word| {
        let (_, bit) = NAMES.iter().find(|(name, _)| *name == word)?;
        Some(known | bit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_served_in_their_own_era_where_that_is_spoken() {
        let eras = Eras::default();
        assert_eq!(eras.wire(Era::Stateless), None);
        eras.learn(Era::Stateless, false);
        assert_eq!(eras.wire(Era::Stateless), None);
        eras.learn(Era::Handshake, true);
        assert_eq!(eras.wire(Era::Stateless), Some(Era::Handshake));
        assert_eq!(eras.wire(Era::Handshake), Some(Era::Handshake));
        eras.learn(Era::Stateless, true);
        assert_eq!(eras.wire(Era::Stateless), Some(Era::Stateless));
    }

    #[test]
    fn what_is_persisted_is_read_back_and_nonsense_is_not() {
        let eras = Eras::default();
        eras.learn(Era::Stateless, false);
        let text = eras.learn(Era::Handshake, true).unwrap();
        assert_eq!(text, b"handshake,no stateless");
        assert_eq!(eras.learn(Era::Handshake, true), None);
        let later = Eras::default();
        later.load(|| Some(text));
        assert_eq!(later.wire(Era::Stateless), Some(Era::Handshake));
        for nonsense in ["", "handshake,", "HANDSHAKE", "\u{fffd}"] {
            let eras = Eras::default();
            eras.load(|| Some(nonsense.into()));
            assert_eq!(eras.speaks(Era::Handshake), None, "{nonsense}");
        }
    }
}
