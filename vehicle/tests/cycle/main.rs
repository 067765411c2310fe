//! Whole update cycles against a server in memory. What is asserted is the error code *and* what is on disk afterwards.

mod kit;

mod attacks;
mod happy;
mod http;
mod images;
mod local;
mod network;
mod resume;
