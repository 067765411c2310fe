//! Plain HTTP with a cap.

use rustls::crypto::aws_lc_rs;

use super::Failure;

/// A folder on a web server.
#[derive(Debug)]
pub(super) struct Web {
    client: reqwest::Client,
    base: String,
}

impl Web {
    pub(super) fn new(base: String) -> Result<Self, Failure> {
        // The suite speaks plain HTTP; the client wants to know a provider all the same.
        let _ = aws_lc_rs::default_provider().install_default();
        let client = reqwest::Client::builder().no_proxy().build()?;
        let base = base.trim_end_matches('/').to_owned();
        Ok(Self { client, base })
    }

    /// The file `path`, which is encoded already; `None` when there is none. One byte more than `max_bytes` at most.
    pub(super) async fn get(&self, path: &str, max_bytes: u64) -> Result<Option<Vec<u8>>, Failure> {
        let url = format!("{}/{path}", self.base);
        let mut response = self.client.get(&url).send().await?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        if response.status() != reqwest::StatusCode::OK {
            return Err(format!("{url}: {}", response.status()).into());
        }
        let most = usize::try_from(max_bytes)?.saturating_add(1);
        let mut bytes = Vec::new();
        while let Some(piece) = response.chunk().await? {
            let room = most.saturating_sub(bytes.len());
            bytes.extend(piece.iter().take(room));
            if bytes.len() == most {
                break;
            }
        }
        Ok(Some(bytes))
    }
}
