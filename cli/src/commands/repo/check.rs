//! `sealift repo check`: what is wrong, what will be, and for whom. Made for monitoring.

use std::path::Path;

use clap::Args;
use clap::builder::PossibleValuesParser;
use jiff::SignedDuration;
use sealift_metadata::preflight::{Found, PROFILES, Profile, Room};
use sealift_repository::{
    Capped, CheckOptions, Depth, Finding, Forecast, Horizon, Report, RoleState, Severity, check,
};
use serde_json::{Value, json};

use crate::failure::{Failure, Fault};
use crate::store::RepositoryArgs;
use crate::{World, demo, faults, output};

const AFTER_HELP: &str = "\
Exit codes for monitoring: 0 nothing to do, 12 warnings only, 3 at least one error (a client fails, or will within --fail-days or \
--fail-hours), 7 the store cannot be reached. Notes are shown and change nothing.";

#[derive(Args, Debug)]
#[command(after_help = AFTER_HELP)]
pub(in crate::commands) struct Check {
    #[command(flatten)]
    repository: RepositoryArgs,

    /// Warn of a Root or Targets that expires within so many days
    #[arg(long, value_name = "DAYS", default_value_t = 30)]
    warn_days: u16,

    /// Fail for a Root or Targets that expires within so many days
    #[arg(long, value_name = "DAYS", default_value_t = 7)]
    fail_days: u16,

    /// Warn of a Snapshot or Timestamp that expires within so many hours
    #[arg(long, value_name = "HOURS", default_value_t = 6)]
    warn_hours: u16,

    /// Fail for a Snapshot or Timestamp that expires within so many hours
    #[arg(long, value_name = "HOURS", default_value_t = 1)]
    fail_hours: u16,

    /// Warn of a cap of a client that so many more versions will pass
    #[arg(long, value_name = "VERSIONS", default_value_t = 10)]
    warn_versions: u16,

    /// Judge by the caps and rules of these clients too
    #[arg(long = "for", value_name = "CLIENT,…", value_delimiter = ',', value_parser = clients())]
    clients: Vec<String>,

    /// Read every object whole and compare its digests, not only its presence and length
    #[arg(long)]
    deep: bool,
}

fn clients() -> PossibleValuesParser {
    PROFILES.iter().map(|profile| profile.name).into()
}

impl Check {
    pub(super) async fn run(self, world: &mut World) -> Result<(), Failure> {
        let connection = self.repository.connect_pinned(world).await?;
        let now = world.trusted_time();
        let report = check(connection.store(), connection.trust_store(), now, self.options()).await;
        let report = report.map_err(faults::store)?;
        if let Some(repository) = &report.repository {
            demo::refuse_root(world, Path::new("the current root"), repository.root().role())?;
        }
        let left = |role: &RoleState| role.left(now);
        output::show(world, &to_json(&report, left), || text(&report, left))?;
        verdict(&report)
    }

    fn options(&self) -> CheckOptions {
        let days = |count: u16| SignedDuration::from_hours(i64::from(count) * 24);
        let hours = |count: u16| SignedDuration::from_hours(count.into());
        CheckOptions {
            depth: match self.deep {
                true => Depth::Bytes,
                false => Depth::Lengths,
            },
            people: Horizon {
                warn: days(self.warn_days),
                fail: days(self.fail_days),
            },
            machines: Horizon {
                warn: hours(self.warn_hours),
                fail: hours(self.fail_hours),
            },
            versions: self.warn_versions.into(),
            clients: self
                .clients
                .iter()
                .filter_map(|name| Profile::named(name))
                .collect(),
        }
    }
}

/// The result as an exit code.
fn verdict(report: &Report) -> Result<(), Failure> {
    let (errors, warnings) = (count(report, Severity::Error), count(report, Severity::Warning));
    let next = "do what is said beside each, or give other limits; see docs/operating/monitoring.md";
    match report.worst() {
        Some(Severity::Error) => {
            let what = format!("{errors} errors and {warnings} warnings about the repository");
            Err(Failure::refused(what).next(next))
        }
        Some(Severity::Warning) => {
            let what = format!("{warnings} warnings about the repository; nothing fails yet");
            Err(Failure::new(Fault::Attention, what).next(next))
        }
        Some(Severity::Note) | None => Ok(()),
    }
}

fn count(report: &Report, severity: Severity) -> usize {
    let findings = report.findings.iter().map(|finding| finding.code.severity());
    let foreign = report.foreign.iter().map(|found| found.effect.into());
    findings.chain(foreign).filter(|found| *found == severity).count()
}

fn to_json(report: &Report, left: impl Fn(&RoleState) -> SignedDuration) -> Value {
    let role = |role: &RoleState| {
        json!({
            "role": role.name(),
            "version": role.version,
            "expires": role.expires.to_string(),
            "expires_seconds": left(role).as_secs(),
            "bytes": role.bytes,
            "grown_bytes": role.growth.bytes,
            "grown_over_versions": role.growth.versions,
            "caps": forecasts(role).map(|forecast| cap(&forecast)).collect::<Vec<_>>(),
        })
    };
    let finding = |finding: &Finding| {
        json!({
            "severity": word(finding.code.severity()),
            "code": finding.code.as_str(),
            "subject": finding.subject,
            "detail": finding.detail,
        })
    };
    let foreign = |found: &Found| {
        json!({
            "severity": word(found.effect.into()),
            "client": found.client,
            "rule": found.rule.id,
            "subject": found.subject,
            "effect": found.effect.as_str(),
            "source": found.rule.source,
            "remedy": found.rule.remedy,
        })
    };
    json!({
        "worst": report.worst().map(word),
        "roles": report.roles.iter().map(role).collect::<Vec<_>>(),
        "findings": report.findings.iter().map(finding).collect::<Vec<_>>(),
        "clients": report.foreign.iter().map(foreign).collect::<Vec<_>>(),
    })
}

fn cap(forecast: &Forecast) -> Value {
    json!({
        "client": forecast.client,
        "of": match forecast.of {
            Capped::Bytes => "bytes",
            Capped::Updates => "root-updates",
        },
        "cap": forecast.cap,
        "passed": forecast.room == Room::Passed,
        "versions_left": match forecast.room {
            Room::Passed => Some(0),
            Room::Versions(versions) => Some(versions),
            Room::Endless => None,
        },
    })
}

fn text(report: &Report, left: impl Fn(&RoleState) -> SignedDuration) -> String {
    let roles = report.roles.iter().map(|role| {
        vec![
            role.name().to_owned(),
            role.version.to_string(),
            role.expires.to_string(),
            told(left(role)),
            role.bytes.to_string(),
            tightest(role),
        ]
    });
    let mut text = String::new();
    if !report.roles.is_empty() {
        text += &output::table(
            &["role", "version", "expires", "left", "bytes", "first cap"],
            roles,
        );
    }
    for finding in &report.findings {
        let (severity, code) = (word(finding.code.severity()), finding.code.as_str());
        text += &format!("{severity}: {code}: {}: {}\n", finding.subject, finding.detail);
    }
    for found in &report.foreign {
        let severity = word(found.effect.into());
        let (client, effect) = (found.client, found.effect.as_str());
        text += &format!(
            "{severity}: {client} {effect}: {}: {}\n",
            found.rule.id, found.subject
        );
        text += &format!(
            "  source: {}\n  remedy: {}\n",
            found.rule.source, found.rule.remedy
        );
    }
    text
}

/// Every cap of every client.
fn forecasts(role: &RoleState) -> impl Iterator<Item = Forecast> {
    PROFILES.iter().flat_map(|client| role.forecasts(client))
}

/// The cap that will be passed first, as far as one can see.
fn tightest(role: &RoleState) -> String {
    let room = |forecast: &Forecast| match forecast.room {
        Room::Passed => 0,
        Room::Versions(versions) => versions.saturating_add(1),
        Room::Endless => u64::MAX,
    };
    match forecasts(role).min_by_key(room) {
        Some(first) if first.room != Room::Endless => first.to_string(),
        _ => "none in sight".to_owned(),
    }
}

fn told(left: SignedDuration) -> String {
    let hours = left.as_hours();
    match hours.unsigned_abs() {
        _ if left.is_negative() => "expired".to_owned(),
        0..48 => format!("{hours} h"),
        _ => format!("{} d", hours / 24),
    }
}

fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Note => "note",
        Severity::Warning => "warning",
        Severity::Error => "error",
    }
}
