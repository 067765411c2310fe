//! A stand-in for AWS KMS: four operations, written after AWS's API reference, with real keys behind them.
//!
//! It is stricter than the service: a request that is not signed (Signature Version 4, recomputed here), lacks a field or
//! has one too many is answered with an error and kept as a complaint.

#[path = "stand_in/signing.rs"]
mod signing;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use p256::pkcs8::{DecodePrivateKey as _, DecodePublicKey as _, EncodePublicKey as _};
use rsa::{Oaep, RsaPrivateKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

pub(crate) const ACCESS_KEY: &str = "AKIDSTANDIN";
pub(crate) const SECRET_KEY: &str = "stand-in/secret";
pub(crate) const REGION: &str = "eu-central-1";

/// A listener on 127.0.0.1, for the life of the process.
pub(crate) struct StandIn {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
}

#[derive(Default)]
struct Book {
    asked: Vec<String>,
    complaints: Vec<String>,
    failed_once: BTreeSet<String>,
}

/// An error as KMS answers it: the name, and the HTTP status of the reference.
struct Refusal(u16, String);

impl StandIn {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let book = Arc::new(Mutex::new(Book::default()));
        let kept = book.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let book = kept.clone();
                std::thread::spawn(move || serve(&stream.unwrap(), &book));
            }
        });
        Self { address, book }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The operations asked for, in order.
    pub(crate) fn asked(&self) -> Vec<String> {
        self.book.lock().unwrap().asked.clone()
    }

    /// What was wrong with requests.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.book.lock().unwrap().complaints.clone()
    }
}

struct Request {
    line: String,
    headers: BTreeMap<String, String>,
    body: Vec<u8>,
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut headers = BTreeMap::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        match header.trim_end().split_once(':') {
            Some((name, value)) => headers.insert(name.to_ascii_lowercase(), value.trim().to_owned()),
            None => break,
        };
    }
    let length = headers.get("content-length")?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        line: line.trim_end().to_owned(),
        headers,
        body,
    })
}

fn serve(mut stream: &TcpStream, book: &Mutex<Book>) {
    // One request for each connection, and the answer says so.
    let Some(request) = read(stream) else { return };
    let (status, body) = match answer(&request, book) {
        Ok(body) => (200, body),
        Err(Refusal(status, name)) => (status, json!({"__type": name, "message": "as asked for"})),
    };
    let body = body.to_string();
    let head = format!(
        "HTTP/1.1 {status} -\r\nContent-Type: application/x-amz-json-1.1\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    let _ = stream.write_all((head + &body).as_bytes());
}

fn answer(request: &Request, book: &Mutex<Book>) -> Result<Value, Refusal> {
    let complain = |complaint: String, name: &str| {
        book.lock().unwrap().complaints.push(complaint);
        Refusal(400, name.to_owned())
    };
    if let Err(complaint) = check_signature(request) {
        return Err(complain(complaint, "InvalidSignatureException"));
    }
    let header = |name: &str| request.headers.get(name).cloned().unwrap_or_default();
    if request.line != "POST / HTTP/1.1" || header("content-type") != "application/x-amz-json-1.1" {
        return Err(complain(request.line.clone(), "ValidationException"));
    }
    let target = header("x-amz-target");
    let operation = target
        .strip_prefix("TrentService.")
        .unwrap_or_default()
        .to_owned();
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    book.lock().unwrap().asked.push(operation.clone());
    let wanted: &[(&str, Option<&str>)] = match operation.as_str() {
        "GetPublicKey" => &[("KeyId", None)],
        "Decrypt" => &[
            ("CiphertextBlob", None),
            ("EncryptionAlgorithm", Some("RSAES_OAEP_SHA_256")),
            ("KeyId", None),
        ],
        "DeriveSharedSecret" => &[
            ("KeyAgreementAlgorithm", Some("ECDH")),
            ("KeyId", None),
            ("PublicKey", None),
        ],
        "Sign" => &[
            ("KeyId", None),
            ("Message", None),
            ("MessageType", None),
            ("SigningAlgorithm", None),
        ],
        _ => &[],
    };
    let fields: BTreeSet<_> = body
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| name.as_str())
        .collect();
    let expected: BTreeSet<_> = wanted.iter().map(|(name, _)| *name).collect();
    let values = wanted
        .iter()
        .all(|(name, value)| value.is_none_or(|value| body[name] == value));
    if expected.is_empty() || fields != expected || !values {
        return Err(complain(format!("{target} with {body}"), "ValidationException"));
    }
    let given = body["KeyId"].as_str().unwrap_or_default();
    // After the first request the key has to be named by what that one answered.
    let name = match given.strip_prefix(&arn("key/")) {
        Some(name) => name,
        None if operation == "GetPublicKey" => given.rsplit("alias/").next().unwrap_or_default(),
        None => return Err(complain(format!("{operation} for {given}"), "NotFoundException")),
    };
    let blob = |field: &str| {
        STANDARD
            .decode(body[field].as_str().unwrap_or_default())
            .unwrap_or_default()
    };
    match operation.as_str() {
        "GetPublicKey" => public_key(name),
        "Decrypt" => decrypt(&blob("CiphertextBlob"), given),
        "Sign" => signing::sign(name, &body, &blob("Message")),
        _ => derive(name, &blob("PublicKey"), given, book),
    }
}

fn arn(resource: &str) -> String {
    format!("arn:aws:kms:{REGION}:111122223333:{resource}")
}

fn rsa_key() -> RsaPrivateKey {
    RsaPrivateKey::from_pkcs8_pem(include_str!("../../../envelope/tests/keys/rsa3072.pem")).unwrap()
}

fn p256_key() -> p256::SecretKey {
    p256::SecretKey::from_slice(&[7; 32]).unwrap()
}

fn public_key(name: &str) -> Result<Value, Refusal> {
    let p256 = p256_key().public_key().to_public_key_der().unwrap();
    let rsa = rsa_key().to_public_key().to_public_key_der().unwrap();
    let small = RsaPrivateKey::from_pkcs8_pem(include_str!("../../../envelope/tests/keys/rsa2048.pem"));
    let small = small.unwrap().to_public_key().to_public_key_der().unwrap();
    let (spec, usage, der) = match name {
        "missing" => return Err(Refusal(400, "NotFoundException".to_owned())),
        "rsa" => ("RSA_3072", "ENCRYPT_DECRYPT", rsa),
        "rsa2048" => ("RSA_2048", "ENCRYPT_DECRYPT", small),
        name if name.starts_with("signs") => {
            let (spec, der) = signing::public_key(name);
            return Ok(json!({
                "KeyId": arn(&format!("key/{name}")),
                "KeySpec": spec,
                "CustomerMasterKeySpec": spec,
                "KeyUsage": "SIGN_VERIFY",
                "PublicKey": STANDARD.encode(der),
                "SigningAlgorithms": [signing::algorithm(name)],
            }));
        }
        _ => ("ECC_NIST_P256", "KEY_AGREEMENT", p256),
    };
    let mut answer = json!({
        "KeyId": arn(&format!("key/{name}")),
        "KeySpec": spec,
        "CustomerMasterKeySpec": spec,
        "KeyUsage": usage,
        "PublicKey": STANDARD.encode(der.as_bytes()),
    });
    let (field, algorithms) = match usage {
        "ENCRYPT_DECRYPT" => (
            "EncryptionAlgorithms",
            json!(["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]),
        ),
        _ => ("KeyAgreementAlgorithms", json!(["ECDH"])),
    };
    answer[field] = algorithms;
    Ok(answer)
}

fn decrypt(ciphertext: &[u8], key: &str) -> Result<Value, Refusal> {
    let plain = rsa_key()
        .decrypt(Oaep::<Sha256>::new(), ciphertext)
        .map_err(|_| Refusal(400, "InvalidCiphertextException".to_owned()))?;
    Ok(json!({
        "KeyId": key,
        "EncryptionAlgorithm": "RSAES_OAEP_SHA_256",
        "Plaintext": STANDARD.encode(plain),
    }))
}

fn derive(name: &str, peer: &[u8], key: &str, book: &Mutex<Book>) -> Result<Value, Refusal> {
    let once = |name: &str| book.lock().unwrap().failed_once.insert(name.to_owned());
    let failing = name.strip_prefix("fails-");
    let failing = failing.or_else(|| name.strip_prefix("once-").filter(|_| once(name)));
    if let Some(code) = failing {
        return Err(Refusal(400, code.to_owned()));
    }
    let peer = p256::PublicKey::from_public_key_der(peer)
        .map_err(|_| Refusal(400, "ValidationException".to_owned()))?;
    let shared = p256::ecdh::diffie_hellman(p256_key().to_nonzero_scalar(), peer.as_affine());
    let mut shared = shared.raw_secret_bytes().to_vec();
    match name {
        "lies-other" => shared[0] ^= 1,
        "lies-short" => shared.truncate(31),
        "lies-nothing" => return Ok(json!({"KeyId": key})),
        _ => {}
    }
    Ok(json!({
        "KeyId": key,
        "KeyAgreementAlgorithm": "ECDH",
        "KeyOrigin": "AWS_KMS",
        "SharedSecret": STANDARD.encode(shared),
    }))
}

/// AWS Signature Version 4, recomputed from the request and our copy of the secret.
fn check_signature(request: &Request) -> Result<(), String> {
    let header = |name: &str| request.headers.get(name).map(String::as_str).unwrap_or_default();
    let fields = header("authorization")
        .strip_prefix("AWS4-HMAC-SHA256 ")
        .ok_or("the request is not signed")?;
    let field = |name: &str| {
        let found = fields
            .split(", ")
            .find_map(|field| field.strip_prefix(name)?.strip_prefix('='));
        found.ok_or_else(|| format!("no {name}"))
    };
    let (credential, signed) = (field("Credential")?, field("SignedHeaders")?);
    let scope = credential
        .strip_prefix(ACCESS_KEY)
        .and_then(|rest| rest.strip_prefix('/'))
        .ok_or("a stranger's access key")?;
    let date = scope.split('/').next().unwrap_or_default();
    if scope != format!("{date}/{REGION}/kms/aws4_request") || !header("x-amz-date").starts_with(date) {
        return Err(format!("scope {scope}"));
    }
    for needed in ["host", "x-amz-date", "x-amz-target"] {
        if !signed.split(';').any(|name| name == needed) {
            return Err(format!("{needed} is not signed"));
        }
    }
    let lines: String = signed
        .split(';')
        .map(|name| format!("{name}:{}\n", header(name)))
        .collect();
    let body = hex::encode(Sha256::digest(&request.body));
    let canonical = format!("POST\n/\n\n{lines}\n{signed}\n{body}");
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        header("x-amz-date"),
        hex::encode(Sha256::digest(canonical))
    );
    let secret = format!("AWS4{SECRET_KEY}").into_bytes();
    let key = scope.split('/').fold(secret, |key, part| hmac(&key, part));
    if hex::encode(hmac(&key, &text)) == field("Signature")? {
        Ok(())
    } else {
        Err("the signature is wrong".to_owned())
    }
}

fn hmac(key: &[u8], text: &str) -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    mac.finalize().into_bytes().to_vec()
}
