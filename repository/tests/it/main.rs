//! The crate's behaviours, one file each, in one binary.

#[cfg(test)]
mod contract;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod s3;
#[cfg(test)]
mod uploads;
