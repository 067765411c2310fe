//! Looks for secrets in the memory of this very process.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};

/// Kept secrets are XORed with this, so that a list of them is not itself what is looked for.
const MASK: u8 = 0xA5;
/// Bytes of a secret that are looked for. 2^-256 is no chance.
const NEEDLE_LEN: usize = 32;

/// Byte `at` of secret number `secret`: known to parent and child without being stored by either.
pub(super) fn secret_byte(secret: u64, at: u64) -> u8 {
    let mut x = (secret << 32 | at).wrapping_add(0x5ea1_1f70_0000_0001);
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (x >> 56) as u8
}

/// A secret to look for, masked.
pub(super) struct Needle {
    pub(super) name: String,
    masked: [u8; NEEDLE_LEN],
}

impl Needle {
    /// The first bytes of `secret`.
    pub(super) fn of(name: &str, secret: &[u8]) -> Self {
        let mut masked = [0; NEEDLE_LEN];
        masked.copy_from_slice(&secret[..NEEDLE_LEN]);
        masked.iter_mut().for_each(|byte| *byte ^= MASK);
        Self {
            name: name.to_owned(),
            masked,
        }
    }

    /// A big integer in both byte orders: as it is written, and as the words of this machine.
    pub(super) fn integer(name: &str, big_endian: &[u8]) -> [Self; 2] {
        let mut reversed = big_endian.to_vec();
        reversed.reverse();
        [
            Self::of(name, big_endian),
            Self::of(&format!("{name}, words"), &reversed),
        ]
    }

    pub(super) fn to_line(&self) -> String {
        format!("{} {}\n", hex::encode(self.masked), self.name)
    }

    pub(super) fn from_line(line: &str) -> Self {
        let (masked, name) = line.split_once(' ').unwrap();
        let mut needle = Self {
            name: name.to_owned(),
            masked: [0; NEEDLE_LEN],
        };
        hex::decode_to_slice(masked, &mut needle.masked).unwrap();
        needle
    }

    fn is_at(&self, bytes: &[u8]) -> bool {
        bytes.len() >= NEEDLE_LEN && bytes.iter().zip(&self.masked).all(|(a, b)| *a == *b ^ MASK)
    }

    fn start(&self) -> usize {
        usize::from(self.masked[0] ^ MASK) << 8 | usize::from(self.masked[1] ^ MASK)
    }
}

/// Where something was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    /// On the stack of the thread that did the work.
    Stack,
    /// Anywhere else: heap, freed or not, statics, other threads.
    Elsewhere,
}

/// Everything that looking needs, allocated before there is a secret, so that looking does not write over what was freed.
pub(super) struct Scanner {
    needles: Vec<Needle>,
    starts: Vec<bool>,
    maps: String,
    buffer: Vec<u8>,
    found: Vec<(usize, Place, u64)>,
}

impl Scanner {
    pub(super) fn new(needles: Vec<Needle>) -> Self {
        let mut starts = vec![false; 1 << 16];
        for needle in &needles {
            starts[needle.start()] = true;
        }
        Self {
            needles,
            starts,
            maps: String::with_capacity(1 << 18),
            buffer: vec![0; 1 << 20],
            found: Vec::with_capacity(4096),
        }
    }

    /// What was found, as name and place, once for each address. `on_stack` is the address of a local of the working thread.
    pub(super) fn scan(mut self, on_stack: u64) -> Vec<(String, Place)> {
        File::open("/proc/self/maps")
            .unwrap()
            .read_to_string(&mut self.maps)
            .unwrap();
        let mut memory = File::open("/proc/self/mem").unwrap();
        let maps = std::mem::take(&mut self.maps);
        for line in maps.lines() {
            let mut fields = line.split_ascii_whitespace();
            let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
            // The kernel's own pages cannot be read this way.
            let kernels = fields.last().is_some_and(|name| name.starts_with("[v"));
            if !rights.starts_with('r') || kernels {
                continue;
            }
            let (from, to) = range.split_once('-').unwrap();
            let (from, to) = (
                u64::from_str_radix(from, 16).unwrap(),
                u64::from_str_radix(to, 16).unwrap(),
            );
            let place = if (from..to).contains(&on_stack) {
                Place::Stack
            } else {
                Place::Elsewhere
            };
            self.region(&mut memory, from, to, place);
        }
        let names = self.needles;
        self.found
            .iter()
            .map(|(needle, place, _)| (names[*needle].name.clone(), *place))
            .collect()
    }

    fn region(&mut self, memory: &mut File, from: u64, to: u64, place: Place) {
        let own = self.buffer.as_ptr().addr() as u64;
        let own = own..own + self.buffer.len() as u64;
        let mut at = from;
        while at + (NEEDLE_LEN as u64) <= to {
            let len = usize::try_from(to - at).unwrap().min(self.buffer.len());
            memory.seek(SeekFrom::Start(at)).unwrap();
            if memory.read_exact(&mut self.buffer[..len]).is_err() {
                // A hole in the mapping, for instance a guard page.
                return;
            }
            for i in 0..=len - NEEDLE_LEN {
                let bytes = &self.buffer[i..len];
                if !self.starts[usize::from(bytes[0]) << 8 | usize::from(bytes[1])] {
                    continue;
                }
                let address = at + i as u64;
                for (number, needle) in self.needles.iter().enumerate() {
                    if needle.is_at(bytes) && !own.contains(&address) {
                        self.found.push((number, place, address));
                    }
                }
            }
            // The next stretch overlaps, so that nothing hides across its border.
            at += (len - NEEDLE_LEN + 1) as u64;
        }
    }
}

/// The chunk key of §4.1, worked out beside the crate.
pub(super) fn chunk_key(content_key: &[u8; 32], salt: &[u8], context: &[u8]) -> [u8; 32] {
    let mut prk = [0; 64];
    prk[..32].copy_from_slice(content_key);
    let mut key = [0; 32];
    hkdf::Hkdf::<sha2::Sha512>::from_prk(&prk)
        .unwrap()
        .expand_multi_info(
            &[
                b"c2sp.org/chunked-encryption@v1+AEAD_AES_256_GCM\0",
                salt,
                context,
            ],
            &mut key,
        )
        .unwrap();
    key
}
