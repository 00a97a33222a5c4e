//! From words to the terms that are compared: stems of English words, everything else as it is.

use std::collections::HashSet;
use std::sync::LazyLock;

use rust_stemmers::{Algorithm, Stemmer};

/// Words that say nothing about what is looked for.
const STOP: &str = "
a an the and or but nor if then else than so as at by for from in into of off on onto out over to up with without within about
above after again against all also am any are aren be because been before being below between both can cannot could did do
does doing don down during each few further had has have having he her here hers herself him himself his how i id ill im ive is isn
isnt it its itself just let lets me might more most must my myself no not now of once only other ought our ours ourselves own please
same shall she should some such that thats the their theirs them themselves there these they theyre this those through too
under until us very was we were what whats when where whether which while who whom why will would you youd youll your youre youve
yours yourself yes ok hey hello hi thanks thank
";

/// Makes terms of words.
pub(crate) struct Terms {
    stemmer: Stemmer,
    stop: HashSet<&'static str>,
}

impl Terms {
    /// The one maker of terms.
    pub(crate) fn get() -> &'static Self {
        static TERMS: LazyLock<Terms> = LazyLock::new(|| Terms {
            stemmer: Stemmer::create(Algorithm::English),
            stop: STOP.split_whitespace().collect(),
        });
        &TERMS
    }

    /// Whether a word only holds a sentence together.
    pub(crate) fn is_stop(&self, word: &str) -> bool {
        self.stop.contains(word)
    }

    /// The term of a word in lower case.
    pub(crate) fn term(&self, word: &str) -> String {
        if word.len() < 4 || !word.bytes().all(|b| b.is_ascii_lowercase()) {
            return word.to_owned();
        }
        self.stemmer.stem(word).into_owned()
    }
}
