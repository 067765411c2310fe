//! Work with secrets leaves copies on the stack: results handed from one function to the next, and what the libraries
//! beneath do not erase. They stay until something happens to be written over them.

use std::hint::black_box;

use zeroize::Zeroize as _;

/// Words of stack that are written over: 48 KiB, more than any of the work needs.
const WORDS: usize = 6 * 1024;

/// Runs `work`, then writes over the stack that it used. What it returns should be small or on the heap.
///
/// A best effort: without unsafe code nobody can name the stack's bytes, only be in the same place a second time.
pub(crate) fn scrubbed<T>(work: impl FnOnce() -> T) -> T {
    let result = apart(work);
    wipe_stack();
    result
}

/// Keeps the frames of `work` below the one that [`wipe_stack`] is called from.
#[inline(never)]
fn apart<T>(work: impl FnOnce() -> T) -> T {
    work()
}

/// Writes over the stack beneath the caller.
#[inline(never)]
pub(crate) fn wipe_stack() {
    let mut words = [0_u64; WORDS];
    words.zeroize();
    black_box(&words);
}
