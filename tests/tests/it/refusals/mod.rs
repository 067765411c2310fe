//! Requests that are understood and refused: by the server's rules, by the vehicle's, by the tool's.

mod decisions;
mod demonstration_keys;
mod keys;
mod operators;
