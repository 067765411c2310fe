//! The Director and the download server.
