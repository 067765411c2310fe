//! The binary as its users meet it: real processes, a repository in a temporary folder.

mod documented;
mod image;
mod kek;
mod key;
mod kit;
mod repository;
mod target;
