//! The crate's behaviours, one file each, in one binary.

#[cfg(test)]
mod checking;
#[cfg(test)]
mod companions;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod crash;
#[cfg(test)]
mod descriptions;
#[cfg(test)]
mod foreign;
#[cfg(test)]
mod kit;
#[cfg(test)]
mod lifetimes;
#[cfg(test)]
mod log;
#[cfg(test)]
mod matrix;
#[cfg(test)]
mod preflight;
#[cfg(test)]
mod publishing;
#[cfg(test)]
mod races;
#[cfg(test)]
mod resuming;
#[cfg(test)]
mod roots;
#[cfg(test)]
mod s3;
#[cfg(test)]
mod signed;
#[cfg(test)]
mod tampering;
#[cfg(test)]
mod uploads;
