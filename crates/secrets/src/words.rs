//! Finds many short words in a text, whatever the case of their letters. Nearly all texts hold none, so what counts is how
//! fast one is passed over: at each second byte one look into a table, which waits for no look before it.
//!
//! Looked up are three bytes together. A word of four bytes or more has such three at an even place of the text whether it
//! begins at an even place itself or not, so two threes of each word are in the table. Of a word of three bytes that begins at
//! an odd place there are but its last two, so they are there with each byte that may come next. What is found in the table is
//! then compared.

/// A set of words, with a table of `SIZE` bytes, which is a power of two: of a hundred times as many as there are words, next to
/// nothing is compared in vain.
pub(crate) struct Words<const SIZE: usize> {
    words: Vec<Box<[u8]>>,
    /// By the hash of three bytes, which of the groups they may belong to; 0 for none.
    threes: Box<[u8; SIZE]>,
    groups: Vec<Vec<Place>>,
}

/// Where three bytes stand in a word.
#[derive(Clone, Copy, PartialEq)]
struct Place {
    word: usize,
    offset: usize,
}

/// Bytes that are passed over in one step.
const STEP: usize = 16;
/// Bytes that are read for one look.
const READ: usize = 4;

impl<const SIZE: usize> Words<SIZE> {
    /// For words of at least three bytes.
    pub(crate) fn new<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let words: Vec<_> = words.into_iter().map(Box::from).collect();
        let threes = vec![0; SIZE].try_into().expect("of this size");
        let mut all = Self {
            words,
            threes,
            groups: vec![Vec::new()],
        };
        for word in 0..all.words.len() {
            all.add(word);
        }
        all
    }

    fn add(&mut self, word: usize) {
        let bytes = self.words[word].clone();
        // Where there are more than can be told apart, some are compared in vain.
        let group = self.groups.len().min(usize::from(u8::MAX));
        self.groups.resize_with(group + 1, Vec::new);
        if let [first, second, third] = *bytes {
            self.put([first, second, third], group, Place { word, offset: 0 });
            for next in 0..=u8::MAX {
                self.put([second, third, next], group, Place { word, offset: 1 });
            }
            return;
        }
        let rarest = (0..bytes.len() - 3)
            .min_by_key(|at| commonness(&bytes[*at..*at + 4]))
            .expect("a word of three bytes or more");
        for offset in [rarest, rarest + 1] {
            let three = [bytes[offset], bytes[offset + 1], bytes[offset + 2]];
            self.put(three, group, Place { word, offset });
        }
    }

    fn put(&mut self, three: [u8; 3], group: usize, place: Place) {
        let [first, second, third] = three;
        let slot = &mut self.threes[Self::hash([first, second, third, 0])];
        if *slot == 0 {
            *slot = group as u8;
        }
        let group = &mut self.groups[usize::from(*slot)];
        if !group.contains(&place) {
            group.push(place);
        }
    }

    /// Calls back with the number of each word of a text and where it begins, in about the order of the text, until told to
    /// stop by `false`.
    pub(crate) fn each(&self, text: &[u8], mut found: impl FnMut(usize, usize) -> bool) {
        let mut at = 0;
        while let Some(block) = text[at..].first_chunk::<{ STEP + READ - 2 }>() {
            let any = (0..STEP / 2).fold(0, |any, half| any | self.look(block, 2 * half));
            if any != 0 {
                for place in (0..STEP).step_by(2) {
                    if !self.compare(text, at + place, self.look(block, place), &mut found) {
                        return;
                    }
                }
            }
            at += STEP;
        }
        // The rest, with something behind it.
        let mut rest = [0; 2 * STEP + READ];
        let length = text.len() - at;
        rest[..length].copy_from_slice(&text[at..]);
        for place in (0..length).step_by(2) {
            if !self.compare(text, at + place, self.look(&rest, place), &mut found) {
                return;
            }
        }
    }

    fn look(&self, text: &[u8], at: usize) -> u8 {
        self.threes[text[at..].first_chunk().map_or(0, |four| Self::hash(*four))]
    }

    /// False to stop.
    fn compare(
        &self,
        text: &[u8],
        at: usize,
        group: u8,
        found: &mut impl FnMut(usize, usize) -> bool,
    ) -> bool {
        self.groups[usize::from(group)].iter().all(|place| {
            let word = &self.words[place.word];
            let Some(start) = at.checked_sub(place.offset) else {
                return true;
            };
            let is_there = text
                .get(start..start + word.len())
                .is_some_and(|there| there.eq_ignore_ascii_case(word));
            !is_there || found(place.word, start)
        })
    }

    /// Of the first three bytes; letters of both cases have the same.
    #[inline]
    fn hash(four: [u8; READ]) -> usize {
        let three = (u32::from_le_bytes(four) | 0x2020_2020) << 8;
        (three.wrapping_mul(0x9E37_79B1) >> (u32::BITS - SIZE.ilog2())) as usize
    }
}

/// How often some bytes are to be expected, in English and in JSON: a rank, not a measure.
fn commonness(bytes: &[u8]) -> u32 {
    const LETTERS: &[u8] = b"etaoinsrhldcumfpgwybvkxjqz";
    let of = |byte: &u8| {
        let letter = byte.to_ascii_lowercase();
        match LETTERS.iter().position(|known| *known == letter) {
            Some(rank) => 27 - rank as u32,
            None if byte.is_ascii_digit() => 10,
            None => 5,
        }
    };
    bytes.iter().map(of).product()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WORDS: [&str; 6] = ["://", "sk-", "sk-ant-", "Password", "ssw", "aaa"];

    fn of(words: &[&'static str]) -> Words<4096> {
        Words::new(words.iter().map(|word| word.as_bytes()))
    }

    /// The same, the long way.
    fn looked_for(text: &[u8]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        for start in 0..text.len() {
            for (number, word) in WORDS.iter().enumerate() {
                let there = text.get(start..start + word.len());
                if there.is_some_and(|there| there.eq_ignore_ascii_case(word.as_bytes())) {
                    all.push((number, start));
                }
            }
        }
        all.sort_unstable();
        all
    }

    fn found(text: &[u8]) -> Vec<(usize, usize)> {
        let mut all = Vec::new();
        of(&WORDS).each(text, |word, start| {
            all.push((word, start));
            true
        });
        all.sort_unstable();
        all
    }

    #[test]
    fn it_stops_when_told() {
        let mut count = 0;
        of(&WORDS).each(b"sk-sk-sk-sk-", |_, _| {
            count += 1;
            count < 2
        });
        assert_eq!(count, 2);
    }

    #[test]
    fn more_words_than_there_are_groups_are_all_found() {
        let many: Vec<&'static str> = (0..600)
            .map(|number| &*format!("{number:03}{number:03}").leak())
            .collect();
        let words = of(&many);
        for (number, word) in many.iter().enumerate() {
            let mut is_found = false;
            words.each(format!("x{word}").as_bytes(), |word, start| {
                is_found |= (word, start) == (number, 1);
                true
            });
            assert!(is_found, "{word}");
        }
    }

    proptest! {
        #[test]
        fn what_is_there_is_found_and_nothing_else(
            pieces in prop::collection::vec(
                prop_oneof![prop::sample::select(&WORDS[..]).prop_map(str::to_owned), "[aAsS:/k-]{0,3}", ".{0,20}"],
                0..20,
            ),
        ) {
            let text = pieces.concat();
            prop_assert_eq!(found(text.as_bytes()), looked_for(text.as_bytes()));
            let upper = text.to_uppercase();
            prop_assert_eq!(found(upper.as_bytes()), looked_for(upper.as_bytes()));
        }
    }
}
