//! An input as a list of edits to something genuine: finds what lies behind a checksum that random bytes never pass.

/// Edits at most this many times: more only makes it slower.
const MAX_EDITS: usize = 8;

/// Applies the edits that `script` spells to `genuine`. Each takes six bytes: kind, place (3), argument (2).
pub(crate) fn apply(script: &[u8], genuine: &[u8]) -> Vec<u8> {
    let mut bytes = genuine.to_vec();
    for edit in script.chunks_exact(6).take(MAX_EDITS) {
        let [kind, p0, p1, p2, a0, a1] = *edit else { break };
        let place = usize::from(p0) << 16 | usize::from(p1) << 8 | usize::from(p2);
        let argument = usize::from(u16::from_be_bytes([a0, a1]));
        apply_one(&mut bytes, kind, place, argument);
    }
    bytes
}

fn apply_one(bytes: &mut Vec<u8>, kind: u8, place: usize, argument: usize) {
    let at = if bytes.is_empty() { 0 } else { place % bytes.len() };
    let run = argument.min(bytes.len() - at);
    let [_, low] = u16::try_from(argument).unwrap_or(0).to_be_bytes();
    match kind % 6 {
        0 => {
            if let Some(byte) = bytes.get_mut(at) {
                *byte ^= low;
            }
        }
        1 => bytes.truncate(at),
        2 => bytes.extend(std::iter::repeat_n(low, argument)),
        3 => {
            bytes.drain(at..at + run);
        }
        4 => {
            let copy: Vec<u8> = bytes.get(at..at + run).unwrap_or_default().to_vec();
            bytes.splice(at..at, copy);
        }
        _ => {
            let half = run / 2;
            let (front, back) = (at..at + half, at + half..at + 2 * half);
            for (one, other) in front.zip(back) {
                bytes.swap(one, other);
            }
        }
    }
}

/// The script of one edit.
pub(crate) fn script(kind: u8, place: usize, argument: u16) -> Vec<u8> {
    let place = u32::try_from(place).unwrap_or(0).to_be_bytes();
    let argument = argument.to_be_bytes();
    vec![kind, place[1], place[2], place[3], argument[0], argument[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_edit_does_what_it_says() {
        let cases: [(Vec<u8>, &[u8]); 6] = [
            (script(0, 1, 1), b"accdef"),
            (script(1, 2, 0), b"ab"),
            (script(2, 0, 2), b"abcdef\x02\x02"),
            (script(3, 1, 2), b"adef"),
            (script(4, 1, 2), b"abcbcdef"),
            (script(5, 0, 4), b"cdabef"),
        ];
        for (script, expected) in cases {
            assert_eq!(apply(&script, b"abcdef"), expected);
        }
        assert_eq!(apply(b"", b"abcdef"), b"abcdef");
    }
}
