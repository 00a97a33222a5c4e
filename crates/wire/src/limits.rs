//! Every number that bounds what a message may cost us. Each has a test that hits it, beside the code that obeys it.

/// The longest message, in bytes. Anything longer is refused before it is looked at.
pub const FRAME_BYTES_MAX: usize = 16 * 1024 * 1024;

/// How deep arrays and objects may nest; the message itself is level 1.
pub const DEPTH_MAX: usize = 128;

/// The longest id, in bytes of JSON. Ids are kept in tables as long as a call lasts.
pub const ID_BYTES_MAX: usize = 4 * 1024;

/// The longest method name, in bytes as written.
pub const METHOD_BYTES_MAX: usize = 1024;

/// The most messages in one batch.
pub const BATCH_MAX: usize = 100;

/// The most members or elements that one [`Object`](crate::Object) or one call of [`elements`](crate::elements) looks
/// at: a view costs about fifty bytes for each, and a hostile message has one every four.
pub const MEMBERS_MAX: usize = 65_536;
