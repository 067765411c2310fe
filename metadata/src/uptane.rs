//! What Uptane adds to TUF: the description of an image, the directions for one vehicle, and the cross-check of the two.

mod cross;
mod director;
mod profile;

pub use cross::{TrustedEcu, TrustedTarget, VerifiedTarget, cross_check, directed, image_target};
pub use director::{DirectedEcu, Direction, KeyBoxRef, MAX_INLINE_KEY_BOX};
pub use profile::{FileDigest, ImageProfile, Protection, SegmentAlgorithm, Segments};

pub(crate) use director::{check_director, check_vehicle};
