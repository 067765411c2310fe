//! A small repository that every TUF client reads, and for each rule of another client a change that breaks just it.

use std::collections::BTreeMap;

use sealift_metadata::KeyId;
use serde_json::{Value, json};
use sha2::{Digest, Sha256, Sha512};

/// The signed parts by role, and the objects by target path.
#[derive(Clone, Debug)]
pub(crate) struct Parts {
    pub(crate) signed: BTreeMap<String, Value>,
    pub(crate) objects: BTreeMap<String, Vec<u8>>,
    /// The role whose document carries its signature twice.
    pub(crate) signed_twice: Option<String>,
}

/// A rule and a repository that breaks it.
pub(crate) struct Case {
    /// The rule.
    pub(crate) rule: &'static str,
    /// Rules that cannot but be broken with it.
    pub(crate) also: &'static [&'static str],
    /// The change.
    pub(crate) change: fn(&mut Parts),
}

/// The public keys, by role, in lower-case hexadecimal.
pub(crate) type Keys = BTreeMap<&'static str, String>;

pub(crate) const ROLES: [&str; 4] = ["root", "timestamp", "snapshot", "targets"];
const EXPIRES: &str = "2037-01-01T00:00:00Z";

impl Parts {
    /// The sound repository.
    pub(crate) fn new(keys: &Keys) -> Self {
        let key =
            |role: &str| json!({"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": keys[role]}});
        let of = |role: &str| json!({"keyids": [KeyId::of(&key(role)).as_str()], "threshold": 1});
        let mut root = start("root");
        root["consistent_snapshot"] = true.into();
        root["keys"] = ROLES
            .map(|role| (KeyId::of(&key(role)).to_string(), key(role)))
            .into_iter()
            .collect();
        root["roles"] = ROLES
            .map(|role| (role.to_owned(), of(role)))
            .into_iter()
            .collect();
        let mut timestamp = start("timestamp");
        timestamp["meta"] = json!({"snapshot.json": {"version": 1}});
        let mut snapshot = start("snapshot");
        snapshot["meta"] = json!({"targets.json": {"version": 1}});
        let mut targets = start("targets");
        targets["targets"] = json!({});
        let signed = [root, timestamp, snapshot, targets];
        let mut parts = Self {
            signed: ROLES.map(str::to_owned).into_iter().zip(signed).collect(),
            objects: BTreeMap::new(),
            signed_twice: None,
        };
        parts.add("targets", "app.img", b"an image".to_vec());
        parts
    }

    pub(crate) fn role(&mut self, role: &str) -> &mut Value {
        self.signed.get_mut(role).unwrap()
    }

    /// An entry of Targets.
    pub(crate) fn target(&mut self, path: &str) -> &mut Value {
        &mut self.role("targets")["targets"][path]
    }

    fn add(&mut self, role: &str, path: &str, bytes: Vec<u8>) {
        self.role(role)["targets"][path] = json!({
            "length": bytes.len(),
            "hashes": {"sha256": hex::encode(Sha256::digest(&bytes))},
            "custom": {"hardwareIds": ["hw"]},
        });
        self.objects.insert(path.to_owned(), bytes);
    }

    /// A key in the root that no role has.
    pub(crate) fn spare_key(&mut self, keytype: &str, scheme: &str, public: &str) {
        let key = json!({"keytype": keytype, "scheme": scheme, "keyval": {"public": public}});
        let id = KeyId::of(&key).to_string();
        self.role("root")["keys"][id] = key;
    }

    /// Delegates `NAME.bin` from one role to another that is signed with the key of Targets.
    pub(crate) fn delegate(&mut self, from: &str, name: &str) -> &mut Value {
        self.promise(from, name);
        if !self.signed.contains_key(name) {
            let mut delegated = start("targets");
            delegated["targets"] = json!({});
            self.signed.insert(name.to_owned(), delegated);
            let path = format!("{}.bin", name.replace(['/', ' '], "-"));
            self.add(name, &path, name.as_bytes().to_vec());
            self.role("snapshot")["meta"][format!("{name}.json")] = json!({"version": 1});
        }
        let roles = self.role(from)["delegations"]["roles"].as_array_mut().unwrap();
        roles.last_mut().unwrap()
    }

    /// The delegation alone.
    pub(crate) fn promise(&mut self, from: &str, name: &str) {
        let root = self.role("root").clone();
        let id = root["roles"]["targets"]["keyids"][0].as_str().unwrap();
        let path = format!("{}.bin", name.replace(['/', ' '], "-"));
        let role =
            json!({"name": name, "keyids": [id], "threshold": 1, "terminating": false, "paths": [path]});
        let delegations = &mut self.role(from)["delegations"];
        if delegations.is_null() {
            *delegations = json!({"keys": {id: root["keys"][id]}, "roles": []});
        }
        delegations["roles"].as_array_mut().unwrap().push(role);
    }
}

fn start(kind: &str) -> Value {
    json!({"_type": kind, "spec_version": "1.0.0", "version": 1, "expires": EXPIRES})
}

/// The rules of TUF clients, and Sealift's own.
pub(crate) const CASES: &[Case] = &[
    Case {
        rule: "reader",
        also: &[],
        change: |parts| parts.add("targets", "a+b.img", b"of two".to_vec()),
    },
    Case {
        rule: "case-twins",
        also: &[],
        change: |parts| parts.add("targets", "APP.img", b"another".to_vec()),
    },
    Case {
        rule: "type",
        also: &["reader"],
        change: |parts| parts.role("targets")["_type"] = "Targets".into(),
    },
    Case {
        rule: "spec-version",
        also: &["reader"],
        change: |parts| parts.role("targets")["spec_version"] = "2.0.0".into(),
    },
    Case {
        rule: "expires",
        also: &["reader"],
        change: |parts| parts.role("targets")["expires"] = "2037-01-01T00:00:00.125Z".into(),
    },
    Case {
        rule: "expires-rewritten",
        also: &["expires", "reader"],
        change: |parts| parts.role("targets")["expires"] = "2037-01-01T00:00:00+00:00".into(),
    },
    Case {
        rule: "expires-rewritten",
        also: &["expires", "reader"],
        change: |parts| parts.role("targets")["expires"] = "2037-01-01T00:00:00.50Z".into(),
    },
    Case {
        rule: "consistent-snapshot",
        also: &[],
        change: |parts| parts.role("root")["consistent_snapshot"] = false.into(),
    },
    Case {
        rule: "root-roles",
        also: &[],
        change: |parts| {
            let role = parts.role("root")["roles"]["timestamp"].clone();
            parts.role("root")["roles"]["mirrors"] = role;
        },
    },
    Case {
        rule: "floats",
        also: &["reader"],
        change: |parts| parts.target("app.img")["custom"]["weight"] = json!(1.5),
    },
    Case {
        rule: "big-integers",
        also: &["reader"],
        change: |parts| parts.target("app.img")["custom"]["weight"] = json!((1_u64 << 53) + 1),
    },
    Case {
        rule: "duplicate-signatures",
        also: &["reader"],
        change: |parts| parts.signed_twice = Some("targets".to_owned()),
    },
    Case {
        rule: "olpc-form",
        also: &[],
        change: |parts| parts.target("app.img")["custom"]["names"] = json!({"a": 1, "a!": 2}),
    },
    Case {
        rule: "olpc-form",
        also: &["reader"],
        change: |parts| parts.target("app.img")["custom"]["name"] = "e\u{301}".into(),
    },
    Case {
        rule: "utf16-order",
        also: &[],
        change: |parts| parts.target("app.img")["custom"]["names"] = json!({"\u{fb50}": 1, "\u{1f600}": 2}),
    },
    Case {
        rule: "key-id",
        also: &["reader"],
        change: |parts| {
            let root = parts.role("root");
            let right = root["roles"]["timestamp"]["keyids"][0]
                .as_str()
                .unwrap()
                .to_owned();
            let key = root["keys"].as_object_mut().unwrap().remove(&right).unwrap();
            let wrong = "a".repeat(64);
            root["keys"][&wrong] = key;
            root["roles"]["timestamp"]["keyids"][0] = wrong.into();
        },
    },
    Case {
        rule: "key-scheme",
        also: &[],
        change: |parts| parts.spare_key("ecdsa", "ecdsa-sha2-nistp384", "-----BEGIN PUBLIC KEY-----"),
    },
    Case {
        rule: "key-scheme-unknown",
        also: &["key-scheme"],
        change: |parts| parts.spare_key("lattice", "lattice-1", "00"),
    },
    Case {
        rule: "key-hex-point",
        also: &["reader"],
        change: |parts| {
            // The base point of P-256.
            let point = "046b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296\
                         4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5";
            parts.spare_key("ecdsa", "ecdsa-sha2-nistp256", point);
        },
    },
    Case {
        rule: "sha256",
        also: &[],
        change: |parts| {
            let sha512 = hex::encode(Sha512::digest(&parts.objects["app.img"]));
            parts.target("app.img")["hashes"] = json!({"sha512": sha512});
        },
    },
    Case {
        rule: "hash-names",
        also: &["reader"],
        change: |parts| parts.target("app.img")["hashes"]["blake3"] = "00".repeat(32).into(),
    },
    Case {
        rule: "custom",
        also: &[],
        change: |parts| parts.target("app.img")["custom"] = json!({}),
    },
    Case {
        rule: "name-in-url",
        also: &["reader"],
        change: |parts| parts.add("targets", "50%25.img", b"half".to_vec()),
    },
    Case {
        rule: "name-in-folder",
        also: &[],
        change: |parts| parts.add("targets", "ecu/app.img", b"in a folder".to_vec()),
    },
    Case {
        rule: "length-50-mb",
        also: &[],
        change: |parts| parts.add("targets", "big.img", vec![0; 50_000_001]),
    },
    Case {
        rule: "terminating",
        also: &["reader"],
        change: |parts| {
            let role = parts.delegate("targets", "supplier");
            role.as_object_mut().unwrap().remove("terminating");
        },
    },
    Case {
        rule: "delegation-fields",
        also: &[],
        change: |parts| parts.delegate("targets", "supplier")["note"] = "of ours".into(),
    },
    Case {
        rule: "delegation-fields",
        also: &[],
        change: |parts| {
            parts.delegate("targets", "supplier");
            parts.role("targets")["delegations"]["note"] = "of ours".into();
        },
    },
    Case {
        rule: "succinct-roles",
        also: &["reader"],
        change: |parts| {
            parts.promise("targets", "supplier");
            let keyids = parts.role("targets")["delegations"]["roles"][0]["keyids"].clone();
            let delegations = parts.role("targets")["delegations"].as_object_mut().unwrap();
            delegations.remove("roles");
            let bins = json!({"keyids": keyids, "threshold": 1, "bit_length": 1, "name_prefix": "bin"});
            delegations.insert("succinct_roles".to_owned(), bins);
        },
    },
    Case {
        rule: "star",
        also: &[],
        change: |parts| parts.delegate("targets", "supplier")["paths"] = json!(["*.bin"]),
    },
    Case {
        rule: "braces",
        also: &[],
        change: |parts| parts.delegate("targets", "supplier")["paths"] = json!(["supplier.bin", "{a,b}.img"]),
    },
    Case {
        rule: "hash-prefixes",
        also: &[],
        change: |parts| {
            let prefix = hex::encode(Sha256::digest("supplier.bin"));
            let role = parts.delegate("targets", "supplier").as_object_mut().unwrap();
            role.remove("paths");
            role.insert("path_hash_prefixes".to_owned(), json!([prefix[..2]]));
        },
    },
    Case {
        rule: "role-name-slash",
        also: &[],
        change: |parts| {
            parts.delegate("targets", "team/a");
        },
    },
    Case {
        rule: "delegated-absent",
        also: &[],
        change: |parts| {
            parts.promise("targets", "supplier");
            parts.role("snapshot")["meta"]["supplier.json"] = json!({"version": 1});
        },
    },
    Case {
        rule: "delegated-unlisted",
        also: &[],
        change: |parts| {
            parts.promise("targets", "nobody");
            parts.delegate("targets", "supplier");
        },
    },
    Case {
        rule: "diamond",
        also: &[],
        change: |parts| {
            for middle in ["left", "right"] {
                let below = format!("{middle}-below.bin");
                parts.delegate("targets", middle)["paths"] = json!([format!("{middle}.bin"), below]);
                parts.delegate(middle, "below")["paths"] = json!([below]);
                parts.add("below", &below, middle.as_bytes().to_vec());
            }
            let below = parts.role("below")["targets"].as_object_mut().unwrap();
            below.remove("below.bin");
        },
    },
    Case {
        rule: "many-roles",
        also: &[],
        change: |parts| {
            for n in 0..33 {
                parts.delegate("targets", &format!("supplier-{n}"));
            }
        },
    },
];
