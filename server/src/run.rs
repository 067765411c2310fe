//! From arguments to a running server, and to its end.

mod activity;
mod compose;
mod listen;
mod logs;
mod ready;
mod stall;
mod tls;
mod tokens;

use crate::ambient::{Clock, Entropy};
use crate::cli::{Arguments, Command};
use crate::config::Config;
use crate::exit::{Code, Failure};
use crate::signing::DemoKeys;
use crate::{http, jobs};
pub use compose::Parts;
use listen::Listener;
use sealift_wire::ReadyFile;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// Does what the command line asks for.
///
/// # Errors
/// [`Failure`] with the exit code.
pub fn main(arguments: Arguments, clock: Clock, entropy: Entropy) -> Result<(), Failure> {
    let config = Config::load(arguments.config.as_deref())
        .map_err(|error| Failure::new(Code::Config, "the configuration cannot be used").because(error))?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(Code::Internal, "no runtime could be made").because(error))?;
    match arguments.command {
        Some(Command::Token(command)) => runtime.block_on(tokens::run(&config, command, &clock, &entropy)),
        None => {
            logs::start(&config.log)?;
            runtime.block_on(async {
                let stop = signals()?;
                serve(config, arguments.ready_file.as_deref(), clock, entropy, stop).await
            })
        }
    }
}

/// Serves until `stop` is done, then lets answers under way finish, for at most `limits.drain_timeout`.
///
/// # Errors
/// [`Failure`] if it cannot begin.
pub async fn serve(
    config: Config,
    ready_file: Option<&Path>,
    clock: Clock,
    entropy: Entropy,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let demo = DemoKeys::when(config.demo);
    let vehicle_tls = tls::vehicles(&config.vehicles, &config.client_ca, demo)?;
    let operator_tls = tls::operators(&config.operators, demo)?;
    let metrics = compose::metrics();
    let parts = Parts::open(&config, &clock, &entropy).await?;
    let app = http::App::new(
        Arc::clone(&parts.stage),
        clock.clone(),
        config.limits.clone(),
        Some(metrics.clone()),
    );
    let vehicles = Listener::bind(
        "vehicles",
        config.vehicles.listen,
        Some(vehicle_tls),
        http::vehicle_router(app.clone()),
    )
    .await?;
    let operators = Listener::bind(
        "operators",
        config.operators.listen,
        Some(operator_tls),
        http::operator_router(app.clone()),
    )
    .await?;
    let telemetry = Listener::bind("telemetry", config.telemetry, None, http::telemetry_router(app)).await?;
    let addresses = ReadyFile {
        vehicles: vehicles.address(),
        operators: operators.address(),
        telemetry: telemetry.address(),
    };

    let (halt, halted) = watch::channel(false);
    let (listeners, connections, background) = (TaskTracker::new(), TaskTracker::new(), TaskTracker::new());
    for listener in [vehicles, operators, telemetry] {
        listeners.spawn(listener.serve(config.limits.clone(), halted.clone(), connections.clone()));
    }
    let interval = config.repository.refresh_interval;
    background.spawn(jobs::refresh(
        parts.stage,
        clock,
        entropy,
        interval,
        halted.clone(),
    ));
    background.spawn(jobs::upkeep(metrics, halted));
    if let Some(path) = ready_file {
        ready::write(path, &addresses)?;
    }
    tracing::info!(
        vehicles = %addresses.vehicles, operators = %addresses.operators, telemetry = %addresses.telemetry,
        demo = config.demo, "listening"
    );

    stop.await;
    tracing::info!("stopping: no new connections; answers under way may finish");
    halt.send_replace(true);
    for tracker in [&listeners, &connections, &background] {
        tracker.close();
    }
    let drained = async {
        listeners.wait().await;
        connections.wait().await;
        background.wait().await;
    };
    if tokio::time::timeout(config.limits.drain_timeout, drained)
        .await
        .is_err()
    {
        tracing::warn!(
            connections = connections.len(),
            "the drain deadline passed; connections are cut off"
        );
    }
    parts.db.close().await;
    tracing::info!("stopped");
    Ok(())
}

/// Done at the first SIGTERM or SIGINT.
fn signals() -> Result<impl Future<Output = ()>, Failure> {
    use tokio::signal::unix::{SignalKind, signal};
    let install = |kind| {
        signal(kind).map_err(|error| Failure::new(Code::Internal, "signals cannot be handled").because(error))
    };
    let (mut terminate, mut interrupt) = (
        install(SignalKind::terminate())?,
        install(SignalKind::interrupt())?,
    );
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
