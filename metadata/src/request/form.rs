//! The file form of a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};

use super::{Basis, MAX_NOTE, MAX_REQUEST, MAX_ROOTS, Request, RequestError, SigningRole, TargetOperation};
use crate::delegation::MAX_DELEGATIONS;
use crate::document::{FormatError, MAX_SIGNATURES, signature_keyid};
use crate::fields::{Fields, wrong};
use crate::ids::RepositoryId;
use crate::json;
use crate::targets::MAX_TARGETS;

/// The value of the field `sealift`.
const FORM: &str = "signing-request/1";

impl Request {
    /// Reads a request. Nothing in it is believed until it was [checked](Self::check).
    ///
    /// # Errors
    /// [`RequestError::Form`] naming what is wrong.
    pub fn parse(bytes: &[u8]) -> Result<Self, RequestError> {
        let value = json::parse_strict_capped(bytes, MAX_REQUEST).map_err(FormatError::from)?;
        Ok(read(&value)?)
    }

    /// Writes the request: the same one always gives the same bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let Basis {
            roots,
            next_root,
            chain,
            base,
        } = &self.basis;
        let chain = chain
            .iter()
            .map(|(role, document)| json!({"role": role, "document": BASE64.encode(document)}));
        let operations = self
            .operations
            .as_ref()
            .map(|list| list.iter().map(TargetOperation::to_value).collect::<Vec<_>>());
        let mut bytes = json::to_vec(&json!({
            "sealift": FORM,
            "repository_id": self.repository_id.as_ref().map(RepositoryId::as_str),
            "role": self.role.to_string(),
            "document": {"signed": self.signed, "signatures": self.signatures},
            "base": base.as_ref().map(|bytes| BASE64.encode(bytes)),
            "roots": roots.iter().map(|bytes| BASE64.encode(bytes)).collect::<Vec<_>>(),
            "next_root": next_root,
            "chain": chain.collect::<Vec<_>>(),
            "operations": operations,
            "note": self.note,
        }));
        bytes.push(b'\n');
        bytes
    }
}

fn read(value: &Value) -> Result<Request, FormatError> {
    let fields = Fields::of(value, "request")?;
    if fields.string("sealift")? != FORM {
        return Err(wrong(fields.at("sealift"), "signing-request/1 is expected"));
    }
    fields.only(&[
        "sealift",
        "repository_id",
        "role",
        "document",
        "base",
        "roots",
        "next_root",
        "chain",
        "operations",
        "note",
    ])?;
    let role = match fields.string("role")? {
        "root" => SigningRole::Root,
        "targets" => SigningRole::Targets,
        "" | "snapshot" | "timestamp" => {
            return Err(wrong(
                fields.at("role"),
                "a role that people sign is expected: root, targets, or a delegated one",
            ));
        }
        name => SigningRole::Delegated(name.to_owned()),
    };
    let repository_id = match fields.required("repository_id")? {
        Value::Null => None,
        _ => Some(fields.name("repository_id")?),
    };
    let next_root = match fields.required("next_root")? {
        Value::Null => None,
        root @ Value::Object(_) => Some(root.clone()),
        _ => return Err(wrong(fields.at("next_root"), "an object or null is expected")),
    };
    let operations = match fields.required("operations")? {
        Value::Null => None,
        _ => Some(
            fields
                .array("operations", MAX_TARGETS)?
                .iter()
                .map(TargetOperation::parse)
                .collect::<Result<_, _>>()?,
        ),
    };
    let note = fields.string("note")?;
    if note.len() > MAX_NOTE {
        return Err(wrong(fields.at("note"), "at most 4096 bytes are expected"));
    }
    let (signed, signatures) = document(fields.required("document")?)?;
    Ok(Request {
        repository_id,
        role,
        signed,
        signatures,
        basis: Basis {
            roots: roots(&fields)?,
            next_root,
            chain: chain(&fields)?,
            base: match fields.required("base")? {
                Value::Null => None,
                text => Some(binary(text, &fields.at("base"))?),
            },
        },
        operations,
        note: note.to_owned(),
    })
}

/// The two parts of a document that carries signatures: nothing else may stand in it, since nothing else is shown.
pub(super) fn document(value: &Value) -> Result<(Value, Value), FormatError> {
    let fields = Fields::of(value, "document")?;
    fields.only(&["signed", "signatures"])?;
    fields.object("signed")?;
    for entry in fields.array("signatures", MAX_SIGNATURES)? {
        let entry = Fields::of(entry, "document.signatures[]")?;
        entry.only(&["keyid", "sig"])?;
        signature_keyid(&entry)?;
        entry.string("sig")?;
    }
    Ok((
        fields.required("signed")?.clone(),
        fields.required("signatures")?.clone(),
    ))
}

fn roots(fields: &Fields<'_>) -> Result<Vec<Vec<u8>>, FormatError> {
    let at = fields.at("roots");
    let list = fields.array("roots", MAX_ROOTS)?;
    list.iter().map(|text| binary(text, &at)).collect()
}

fn chain(fields: &Fields<'_>) -> Result<Vec<(String, Vec<u8>)>, FormatError> {
    fields
        .array("chain", MAX_DELEGATIONS)?
        .iter()
        .map(|entry| {
            let entry = Fields::of(entry, "request.chain[]")?;
            entry.only(&["role", "document"])?;
            let document = binary(entry.required("document")?, &entry.at("document"))?;
            Ok((entry.string("role")?.to_owned(), document))
        })
        .collect()
}

fn binary(value: &Value, at: &str) -> Result<Vec<u8>, FormatError> {
    value
        .as_str()
        .and_then(|text| BASE64.decode(text).ok())
        .ok_or_else(|| wrong(at, "standard base64 is expected"))
}
