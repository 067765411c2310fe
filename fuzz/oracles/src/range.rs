//! Oracle of the server's answer to a Range header.
//!
//! The server's own source is compiled in here: depending on the server would bring its database and TLS stack under the
//! sanitizer, for one pure function.

#[path = "../../../server/src/http/range.rs"]
#[expect(unreachable_pub, reason = "it is public in the server")]
mod server;

use self::server::{Selection, none_match_holds, select};

const TAG: &str = "\"5ea1\"";

/// What is selected lies within the object, is never empty, and does not change when it is asked for by its own numbers.
///
/// The first eight bytes are the object's length, the rest is the header's value.
pub fn range_header(input: &[u8]) {
    let Some((length, value)) = input.split_first_chunk() else {
        return;
    };
    let length = u64::from_be_bytes(*length);
    let selected = select(Some(value), None, TAG, length);
    assert_eq!(
        select(Some(value), Some(TAG.as_bytes()), TAG, length),
        selected,
        "a tag that holds changes nothing"
    );
    assert_eq!(
        select(Some(value), Some(b"\"other\""), TAG, length),
        Selection::Whole,
        "a tag that does not hold gets all"
    );
    assert_eq!(
        none_match_holds(value, TAG),
        none_match_holds(value.trim_ascii(), TAG),
        "white space means nothing"
    );
    let Selection::Part(part) = selected else { return };
    assert!(
        part.start < part.end && part.end <= length,
        "outside of the object"
    );
    let plain = format!("bytes={}-{}", part.start, part.end - 1);
    let again = select(Some(plain.as_bytes()), None, TAG, length);
    assert_eq!(
        again,
        Selection::Part(part),
        "the same bytes under another spelling"
    );
}
