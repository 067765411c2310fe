//! Merkle tree hashes of RFC 6962, section 2.1, with SHA-256.

use sha2::{Digest, Sha256};

/// The hash of a leaf: `SHA-256(0x00 || entry)`.
pub(super) fn leaf_hash(entry: &[u8]) -> [u8; 32] {
    Sha256::new()
        .chain_update([0])
        .chain_update(entry)
        .finalize()
        .into()
}

/// The hash of an inner node: `SHA-256(0x01 || left || right)`.
fn node_hash(left: &[u8; 32], right: &[u8; 32]) -> [u8; 32] {
    Sha256::new()
        .chain_update([1])
        .chain_update(left)
        .chain_update(right)
        .finalize()
        .into()
}

/// A tree that grows at its right: the roots of the perfect subtrees that it consists of, largest first.
///
/// That is all a tree needs to remember of its leaves to grow and to have a root.
#[derive(Clone, Debug, Default)]
pub(super) struct Peaks(Vec<(u32, [u8; 32])>);

impl Peaks {
    /// Appends a perfect subtree of `2^height` leaves by its root. Subtrees come largest first, or all of one height.
    pub(super) fn push(&mut self, mut height: u32, mut hash: [u8; 32]) {
        while let Some((_, left)) = self.0.pop_if(|(last, _)| *last == height) {
            hash = node_hash(&left, &hash);
            height += 1;
        }
        self.0.push((height, hash));
    }

    /// The root of the tree; that of the empty tree is the hash of nothing.
    pub(super) fn root(&self) -> [u8; 32] {
        let mut peaks = self.0.iter().rev().map(|(_, hash)| *hash);
        match peaks.next() {
            None => Sha256::digest([]).into(),
            Some(last) => peaks.fold(last, |right, left| node_hash(&left, &right)),
        }
    }
}

/// The root over leaves or over the hashes of one tile.
pub(super) fn root_of(hashes: &[[u8; 32]]) -> [u8; 32] {
    let mut peaks = Peaks::default();
    for hash in hashes {
        peaks.push(0, *hash);
    }
    peaks.root()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The eight leaves and the roots over the first n of them that the implementations of Certificate Transparency test with.
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 9] = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn the_known_roots_come_out() {
        let leaves: Vec<[u8; 32]> = LEAVES
            .iter()
            .map(|leaf| leaf_hash(&hex::decode(leaf).unwrap()))
            .collect();
        for (count, root) in ROOTS.iter().enumerate() {
            assert_eq!(hex::encode(root_of(&leaves[..count])), *root, "{count} leaves");
        }
    }

    /// The definition of RFC 6962, word for word.
    fn by_definition(leaves: &[[u8; 32]]) -> [u8; 32] {
        match leaves {
            [] => Sha256::digest([]).into(),
            [one] => *one,
            more => {
                let split = more.len().next_power_of_two() / 2;
                node_hash(&by_definition(&more[..split]), &by_definition(&more[split..]))
            }
        }
    }

    #[test]
    fn every_size_agrees_with_the_definition() {
        let leaves: Vec<[u8; 32]> = (0..600u32).map(|n| leaf_hash(&n.to_be_bytes())).collect();
        let mut growing = Peaks::default();
        for count in 0..leaves.len() {
            assert_eq!(growing.root(), by_definition(&leaves[..count]), "{count} leaves");
            growing.push(0, leaves[count]);
        }
    }
}
