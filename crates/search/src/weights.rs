//! How much everything weighs: every number that was chosen by measuring.
//!
//! They were tried on one half of the development requests and looked at on the other; none is finer than what makes a
//! difference there. `cargo run --release -p portolan-benches --bin search-quality` measures what a change does.

use crate::analyse::FIELDS;

/// How much a field counts, its usual length in words, and how far a longer one counts less (0: not at all, 1: in proportion).
///
/// The usual lengths are fixed, not the averages of the index: so what a server weighs does not change with its neighbours,
/// and one server is inserted or removed without a look at the others.
pub(crate) struct FieldWeight {
    pub weight: f32,
    pub usual: f32,
    pub slope: f32,
    /// In the comparison of whole texts.
    pub cosine: f32,
}

/// By [`Field`](crate::analyse::Field).
pub(crate) const FIELD: [FieldWeight; FIELDS] = [
    field(3.0, 3.0, 0.3, 3.0),   // name
    field(3.0, 3.0, 0.3, 3.0),   // title
    field(3.0, 15.0, 0.75, 2.0), // description
    field(1.0, 4.0, 0.3, 1.0),   // labels
    field(1.5, 15.0, 0.6, 1.0),  // names of tools
    field(0.6, 60.0, 0.75, 0.5), // texts of tools
    field(2.0, 8.0, 0.3, 1.0),   // known
];

const fn field(weight: f32, usual: f32, slope: f32, cosine: f32) -> FieldWeight {
    FieldWeight {
        weight,
        usual,
        slope,
        cosine,
    }
}

/// Where more occurrences stop to count (k1 of BM25).
pub(crate) const SATURATION: f32 = 1.2;
/// What the three rankings count when they are fused: BM25F, cosine, what stands in name and title.
pub(crate) const FUSED: [f32; 3] = [1.0, 0.7, 0.4];
/// A term that is only known of the product, against one in its name or title.
pub(crate) const KNOWN_HEAD: f32 = 0.5;
/// Servers below this share of the best score are not matches.
pub(crate) const MATCH_MIN: f32 = 0.15;

/// A term that the thesaurus gives for a word of the request: multiplied by what the group says.
pub(crate) const RELATED: f32 = 0.3;
/// Groups of the thesaurus: the same thing, the same field, an arrow.
pub(crate) const SAME: f32 = 1.6;
pub(crate) const NEAR: f32 = 1.0;
pub(crate) const ARROW: f32 = 1.0;
/// A term that the thesaurus gives for two words together.
pub(crate) const RELATED_TO_PAIR: f32 = 0.6;
/// A word with one mistake; with two, this squared.
pub(crate) const REPAIRED: f32 = 0.7;
/// Half of a word that was written without a space.
pub(crate) const HALF: f32 = 0.5;
/// A term that only looks alike: multiplied by how much.
pub(crate) const ALIKE: f32 = 0.3;
/// From which share of common pairs of characters on a term looks alike.
pub(crate) const ALIKE_MIN: f32 = 0.6;
/// The same where one is the beginning of the other.
pub(crate) const BEGINNING: f32 = 0.7;
/// What a path, an address or the name of a file says about what is wanted.
pub(crate) const SHAPE: f32 = 0.9;
/// Words of asking, and of doing anything to anything.
pub(crate) const ASKING: f32 = 0.3;
pub(crate) const DOING: f32 = 0.6;

/// How much the name of a tool counts against its description.
pub(crate) const TOOL_NAME: f32 = 3.0;
/// Usual length of a tool's name and description, in words.
pub(crate) const TOOL_USUAL: f32 = 20.0;
/// Tools below this share of the server's best are not named.
pub(crate) const TOOL_MIN: f32 = 0.5;
/// How much the server counts against the tool where single tools are asked for.
pub(crate) const TOOL_SERVER: f32 = 0.5;

/// From which cosine on two servers are near-duplicates.
pub(crate) const DUPLICATE_MIN: f32 = 0.6;
/// What each near-duplicate before it leaves of a server's score.
pub(crate) const DUPLICATE: f32 = 0.85;
