//! The client of the operator API.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use futures::StreamExt;
use reqwest::{Method, StatusCode};
use sealift_wire::limits::MAX_ANSWER_BYTES;
use sealift_wire::{Problem, ProblemKind};
use serde::Serialize;
use serde::de::DeserializeOwned;
use url::Url;
use zeroize::Zeroizing;

use crate::failure::{Failure, Fault};
use crate::{World, keys};

/// Where the server is and how we prove who we are. Tokens never appear on the command line.
#[derive(Args, Debug)]
pub(crate) struct ServerArgs {
    /// Base URL of the operator listener, https://host:port
    #[arg(
        long,
        help_heading = "Server",
        value_name = "URL",
        env = "SEALIFT_SERVER",
        hide_env_values = true,
        value_parser = server_url
    )]
    server: Url,

    /// CA certificate that the server's certificate must come from (no other is trusted)
    #[arg(
        long,
        help_heading = "Server",
        value_name = "CA.pem",
        env = "SEALIFT_CA",
        hide_env_values = true
    )]
    ca: PathBuf,

    /// File that holds the operator token
    #[arg(
        long,
        help_heading = "Server",
        value_name = "FILE",
        conflicts_with = "token_env",
        required_unless_present = "token_env"
    )]
    token_file: Option<PathBuf>,

    /// Name of the environment variable that holds the operator token
    #[arg(long, help_heading = "Server", value_name = "NAME")]
    token_env: Option<String>,
}

fn server_url(text: &str) -> Result<Url, String> {
    match Url::parse(text) {
        Ok(url) if url.has_host() => Ok(url),
        _ => Err("write https://host:port".to_owned()),
    }
}

/// A connection to the operator API.
pub(crate) struct Api {
    client: reqwest::Client,
    base: String,
    token: Zeroizing<String>,
}

impl Api {
    /// Reads token and CA; nothing is sent yet.
    pub(crate) fn new(world: &World, args: &ServerArgs) -> Result<Self, Failure> {
        if args.server.scheme() != "https" {
            return Err(Failure::usage(format!("{} is not an https:// URL", args.server))
                .next("the token must not travel in the clear; use https://"));
        }
        let token = match (&args.token_file, &args.token_env) {
            (Some(path), _) => Zeroizing::new(keys::read_secret_text(path)?.trim().to_owned()),
            (None, Some(name)) => crate::world::variable(name).ok_or_else(|| {
                Failure::new(
                    Fault::Denied,
                    format!("the environment variable {name} is not set"),
                )
                .next("put the operator token there, or use --token-file")
            })?,
            (None, None) => {
                return Err(Failure::usage("no operator token given").next("use --token-file FILE"));
            }
        };
        let authorities = keys::authorities(world, &args.ca)?;
        // A second installation finds the first in place, which is the same provider.
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder()
            .tls_certs_only(authorities)
            .https_only(true)
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(Duration::from_secs(15))
            .timeout(Duration::from_secs(60))
            .user_agent(concat!("sealift/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(|error| Failure::new(Fault::Other, "cannot set up HTTPS").because(error))?;
        let base = args.server.as_str().trim_end_matches('/').to_owned();
        Ok(Self { client, base, token })
    }

    /// `GET`, parsed.
    pub(crate) async fn get<T: DeserializeOwned>(&self, path: &str) -> Result<T, Failure> {
        self.answer(path, &self.exchange(Method::GET, path, None::<&()>).await?)
    }

    /// `GET`, raw, with a cap; `None` for 404.
    pub(crate) async fn get_bytes(&self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, Failure> {
        match self.send(Method::GET, path, None::<&()>, max_bytes).await? {
            (StatusCode::NOT_FOUND, _) => Ok(None),
            (status, body) if status.is_success() => Ok(Some(body)),
            (status, body) => Err(self.refusal(path, status, &body)),
        }
    }

    /// `POST`, parsed.
    pub(crate) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, Failure> {
        self.answer(path, &self.exchange(Method::POST, path, body).await?)
    }

    /// `PUT`, parsed.
    pub(crate) async fn put<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, Failure> {
        self.answer(path, &self.exchange(Method::PUT, path, Some(body)).await?)
    }

    /// `DELETE`, the answer's body ignored.
    pub(crate) async fn delete(&self, path: &str) -> Result<(), Failure> {
        self.exchange(Method::DELETE, path, None::<&()>).await.map(drop)
    }

    fn answer<T: DeserializeOwned>(&self, path: &str, body: &[u8]) -> Result<T, Failure> {
        serde_json::from_slice(body).map_err(|error| {
            Failure::refused(format!(
                "{}{path} answered in a form that this version does not know",
                self.base
            ))
            .because(error)
            .next("check that client and server are of the same release")
        })
    }

    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<Vec<u8>, Failure> {
        let (status, body) = self.send(method, path, body, MAX_ANSWER_BYTES).await?;
        if status.is_success() {
            Ok(body)
        } else {
            Err(self.refusal(path, status, &body))
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
        max_bytes: u64,
    ) -> Result<(StatusCode, Vec<u8>), Failure> {
        let url = format!("{}{path}", self.base);
        let mut request = self.client.request(method, &url).bearer_auth(self.token.as_str());
        if let Some(body) = body {
            request = request.json(body);
        }
        let lost = |error: reqwest::Error| {
            Failure::new(Fault::Unavailable, format!("no answer from {url}"))
                .because(error)
                .next("check that the server runs, the address, and that --ca made its certificate")
        };
        let response = request.send().await.map_err(lost)?;
        let status = response.status();
        let mut bytes = Vec::new();
        let mut stream = response.bytes_stream();
        while let Some(part) = stream.next().await {
            let part = part.map_err(lost)?;
            let total = bytes.len().saturating_add(part.len());
            if u64::try_from(total).unwrap_or(u64::MAX) > max_bytes {
                return Err(Failure::refused(format!(
                    "{url} answered with more than {max_bytes} bytes"
                )));
            }
            bytes.extend_from_slice(&part);
        }
        Ok((status, bytes))
    }

    fn refusal(&self, path: &str, status: StatusCode, body: &[u8]) -> Failure {
        let problem = serde_json::from_slice::<Problem>(body).ok();
        let kind = problem.as_ref().and_then(Problem::kind);
        let fault = match status {
            _ if kind == Some(ProblemKind::TargetUnknown) => Fault::NotFound,
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Fault::Denied,
            StatusCode::NOT_FOUND => Fault::NotFound,
            StatusCode::CONFLICT | StatusCode::PRECONDITION_FAILED => Fault::Conflict,
            StatusCode::TOO_MANY_REQUESTS => Fault::Unavailable,
            status if status.is_server_error() => Fault::Unavailable,
            status if status.is_client_error() => Fault::Refused,
            _ => Fault::Other,
        };
        let Some(problem) = problem else {
            return Failure::new(fault, format!("{}{path} answered {status}", self.base));
        };
        let title = problem.title.trim_end_matches('.');
        let what = match &problem.detail {
            Some(detail) => format!("{title}: {detail}"),
            None => title.to_owned(),
        };
        let failure = Failure::new(fault, what);
        match (problem.next, fault) {
            (Some(next), _) => failure.next(next),
            (None, Fault::Denied) => failure.next("check the token's scopes and expiry"),
            (None, _) => failure,
        }
    }
}
