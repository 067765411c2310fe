//! What the server does, one file per behaviour.

mod kit;

mod assignments;
mod director;
mod downloads;
mod identity;
mod limits;
mod manifests;
mod process;
mod refresh;
mod registration;
mod start;
mod tls;
mod tokens;
