//! CBOR by the piece, so that any one piece can be a wrong one.

/// The head of an item: major type and shortest argument.
pub(super) fn head(major: u8, argument: u64) -> Vec<u8> {
    let first = |low: u8| vec![major << 5 | low];
    let bytes = argument.to_be_bytes();
    match argument {
        0..24 => first(bytes[7]),
        24..0x100 => [&first(24)[..], &bytes[7..]].concat(),
        0x100..0x1_0000 => [&first(25)[..], &bytes[6..]].concat(),
        0x1_0000..0x1_0000_0000 => [&first(26)[..], &bytes[4..]].concat(),
        _ => [&first(27)[..], &bytes[..]].concat(),
    }
}

pub(super) fn uint(value: u64) -> Vec<u8> {
    head(0, value)
}

pub(super) fn bytes(value: &[u8]) -> Vec<u8> {
    [head(2, value.len() as u64), value.to_vec()].concat()
}

pub(super) fn text(value: &str) -> Vec<u8> {
    [head(3, value.len() as u64), value.as_bytes().to_vec()].concat()
}

/// Pieces that are written one behind the other.
#[derive(Debug, Clone)]
pub(super) struct Pieces(Vec<Vec<u8>>);

impl Pieces {
    pub(super) fn new(pieces: Vec<Vec<u8>>) -> Self {
        Self(pieces)
    }

    /// Replaces the piece at `at`; the one behind the last is empty and can be given bytes.
    pub(super) fn set(mut self, at: usize, bytes: &[u8]) -> Self {
        if at == self.0.len() {
            self.0.push(Vec::new());
        }
        self.0[at] = bytes.to_vec();
        self
    }

    pub(super) fn concat(&self) -> Vec<u8> {
        self.0.concat()
    }
}
