//! The Uptane client: verifies, downloads, opens, installs, reports.
