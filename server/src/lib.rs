//! The Director and the download server.
//!
//! `main → run → http → stage → {db, objects, signing}`; `jobs → stage`. What a request is called is known in `http`,
//! what it means in `stage`, and nothing in `http` touches the database.

pub mod ambient;
pub mod cli;
pub mod config;
pub mod db;
pub mod exit;
pub mod http;
pub mod jobs;
pub mod objects;
pub mod run;
pub mod signing;
pub mod stage;
