//! The vehicle's side of the demonstration: provision, assign, run, kill, run again.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::Stdio;

use serde_json::Value;

use super::site::Site;
use super::tools::Tools;
use crate::failure::Failure;

/// Bytes of a segment, `sealift target add`'s default.
const SEGMENT: u64 = 1 << 20;

/// A vehicle and its directory.
#[derive(Debug)]
pub(super) struct Vehicle {
    /// Its id, which is also its directory's name.
    pub(super) id: &'static str,
}

/// What one run of `sealift-vehicle` did, as it said itself in its events.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// Exit code; none when it was killed.
    pub(super) code: Option<i32>,
    /// Indices of the segments that were verified and journaled.
    pub(super) verified: BTreeSet<u64>,
    /// Indices of the segments whose bytes were asked for over the network.
    pub(super) asked: BTreeSet<u64>,
    /// Verified segments that an earlier run had left on disk.
    pub(super) held: u64,
    /// The attack code of a refusal.
    pub(super) refusal: Option<String>,
}

impl Vehicle {
    /// Makes the vehicle's keys and certificate, registers it, and writes its directory.
    pub(super) fn provision(id: &'static str, site: &Site, tools: &Tools) -> Result<Self, Failure> {
        let api = site.api();
        let out = site.path(id);
        let (ca, key, vehicle_ca) = (
            site.path("fleet-ca/ca.pem"),
            site.path("fleet-ca/ca.key.pem"),
            site.path("server-ca/ca.pem"),
        );
        let (image_root, director_root) = (
            site.path("store/repo/1.root.json"),
            site.path("director/1.root.json"),
        );
        let mut arguments = vec![
            "vehicle",
            "provision",
            id,
            "--ecu",
            "main,hardware=domain-controller,key=p256,primary",
            "--ecu",
            "lamp,hardware=lamp-controller,key=rsa",
            "--fleet-ca-cert",
            &ca,
            "--fleet-ca-key",
            &key,
            "--vehicle-url",
            &site.vehicles,
            "--vehicle-ca",
            &vehicle_ca,
            "--repository-root",
            &image_root,
            "--director-root",
            &director_root,
            "--out",
            &out,
        ];
        arguments.extend(api.iter().map(String::as_str));
        tools.run("sealift", &arguments)?;
        Ok(Self { id })
    }

    /// Assigns a target to one of the vehicle's ECUs.
    pub(super) fn assign(&self, ecu: &str, target: &str, site: &Site, tools: &Tools) -> Result<(), Failure> {
        let api = site.api();
        tools
            .run("sealift", &self.assignment(ecu, target, &api))
            .map(drop)
    }

    /// As [`assign`](Self::assign), but the server must refuse; returns what it said.
    pub(super) fn assign_refused(
        &self,
        ecu: &str,
        target: &str,
        site: &Site,
        tools: &Tools,
    ) -> Result<String, Failure> {
        let api = site.api();
        tools.refused("sealift", &self.assignment(ecu, target, &api))
    }

    fn assignment<'a>(&'a self, ecu: &'a str, target: &'a str, api: &'a [String]) -> Vec<&'a str> {
        let mut arguments = vec!["vehicle", "assign", self.id, "--ecu", ecu, "--target", target];
        arguments.extend(api.iter().map(String::as_str));
        arguments
    }

    /// Runs one cycle; with `kill_after`, kills the process with SIGKILL once it has verified that many segments.
    pub(super) fn run(&self, site: &Site, tools: &Tools, kill_after: Option<usize>) -> Result<Run, Failure> {
        let directory = site.path(self.id);
        let log = site.root.join(format!("{}.log", self.id));
        let log = fs::File::options()
            .create(true)
            .append(true)
            .open(&log)
            .map_err(|error| Failure::at(format!("cannot open {}", log.display()), error))?;
        let mut child = tools
            .command("sealift-vehicle", &["--dir", &directory, "--once", "--json"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| Failure::at("cannot run sealift-vehicle", error))?;
        let stdout = child
            .stdout
            .take()
            .ok_or_else(|| Failure::new("sealift-vehicle has no output"))?;
        let mut run = Run::default();
        for line in BufReader::new(stdout).lines() {
            let line = line.map_err(|error| Failure::at("cannot read the vehicle's events", error))?;
            let event = serde_json::from_str(&line)
                .map_err(|error| Failure::at(format!("not an event: {line}"), error))?;
            run.note(&event);
            if kill_after.is_some_and(|count| run.verified.len() >= count) {
                child
                    .kill()
                    .map_err(|error| Failure::at("cannot kill sealift-vehicle", error))?;
                break;
            }
        }
        let status = child
            .wait()
            .map_err(|error| Failure::at("cannot wait for sealift-vehicle", error))?;
        run.code = status.code();
        Ok(run)
    }
}

impl Run {
    /// The run must have ended with exit code 0.
    pub(super) fn succeeded(self) -> Result<Self, Failure> {
        match self.code {
            Some(0) => Ok(self),
            code => Err(Failure::new(format!(
                "sealift-vehicle ended with {code:?}, refusal {:?}",
                self.refusal
            ))),
        }
    }

    fn note(&mut self, event: &Value) {
        let number = |name: &str| event.get(name).and_then(Value::as_u64).unwrap_or(0);
        match event.get("event").and_then(Value::as_str) {
            Some("segment") => {
                self.verified.insert(number("index"));
            }
            Some("range") => self
                .asked
                .extend(number("start") / SEGMENT..=number("end") / SEGMENT),
            Some("resumed") => self.held = number("held"),
            Some("refused") => self.refusal = event.get("code").and_then(Value::as_str).map(str::to_owned),
            _ => {}
        }
    }
}
