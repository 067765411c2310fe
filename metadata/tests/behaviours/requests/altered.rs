//! Requests that were altered on their way, and files that are none.

use super::*;

fn refusal(request: &Request, repo: &Repo, change: impl FnOnce(&mut Value)) -> RequestError {
    let altered = match altered(request, change) {
        Ok(altered) => altered,
        Err(error) => return error,
    };
    match altered.check(Some(&repo.files["1.root.json"]), at(NOW)) {
        Err(error) => error,
        Ok(checked) => checked
            .check_signatures()
            .expect_err("an altered request was accepted"),
    }
}

/// Each part that can be altered has an error that says which.
#[test]
fn an_altered_request_is_refused_with_its_reason() {
    let repo = repository();
    let request = addition(&repo);
    let request = request
        .clone()
        .with_signatures(&signed_by(&request, &[4]))
        .unwrap();
    let refusal = |change: &dyn Fn(&mut Value)| refusal(&request, &repo, change);
    let text = |bytes: &[u8]| -> Value { BASE64.encode(bytes).into() };

    let forged = sign(&repo.docs[&RoleName::Targets], &[&key(3)]);
    let base = refusal(&|value| value["base"] = text(&forged));
    assert!(matches!(base, RequestError::Base(_)));
    let root = sign(&repo.docs[&RoleName::Root], &[&key(5)]);
    let roots = refusal(&|value| value["roots"][1] = text(&root));
    assert!(matches!(roots, RequestError::Roots { version: 2, .. }));
    let order = refusal(&|value| value["roots"].as_array_mut().unwrap().reverse());
    assert!(matches!(order, RequestError::Roots { version: 1, .. }));
    let id = refusal(&|value| value["repository_id"] = "00".repeat(32).into());
    assert!(matches!(id, RequestError::OtherRepository { .. }));
    let version = refusal(&|value| value["document"]["signed"]["version"] = 4.into());
    assert!(matches!(
        version,
        RequestError::Version {
            found: 4,
            expected: 3
        }
    ));
    let founding = refusal(&|value| value["base"] = Value::Null);
    assert!(matches!(
        founding,
        RequestError::Version {
            found: 3,
            expected: 1
        }
    ));
    let entry = refusal(&|value| value["document"]["signed"]["targets"]["b.img"]["length"] = 999.into());
    assert!(matches!(entry, RequestError::Operations));
    let hidden = refusal(&|value| value["document"]["signed"]["x-more"] = 1.into());
    assert!(matches!(hidden, RequestError::Operations));
    let listed = refusal(&|value| value["operations"] = json!([{"remove": "b.img"}]));
    assert!(matches!(listed, RequestError::Operations));
    let expiry = refusal(&|value| value["document"]["signed"]["expires"] = EXPIRES.into());
    assert!(
        matches!(expiry, RequestError::Spoilt { .. }),
        "the signature was over another expiry"
    );
    let role = refusal(&|value| value["role"] = "root".into());
    assert!(matches!(role, RequestError::Surplus { .. }));
}

/// What the signer sees of a request, as text.
fn seen(request: &Request, pin: &[u8]) -> Option<String> {
    let checked = request.check(Some(pin), at(NOW)).ok()?;
    let gathered = checked.gather(&[]).ok()?;
    let sets: Vec<_> = checked
        .keys()
        .into_iter()
        .map(|keys| format!("{keys:?}"))
        .collect();
    Some(format!(
        "{:?} {:?} {:?} {sets:?} {:?} {:?}",
        request.role(),
        checked.difference(),
        checked.next_root(),
        gathered.missing,
        request.note()
    ))
}

/// Every value in a JSON document, as pointers.
fn leaves(value: &Value, at: &str, found: &mut Vec<String>) {
    match value {
        Value::Object(map) => {
            for (name, item) in map {
                let name = name.replace('~', "~0").replace('/', "~1");
                leaves(item, &format!("{at}/{name}"), found);
            }
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                leaves(item, &format!("{at}/{index}"), found);
            }
        }
        _ => found.push(at.to_owned()),
    }
}

/// Whatever value is changed, wherever: the request is refused, or the signer sees it, or he signs the very same bytes.
#[test]
fn nothing_that_is_signed_can_be_altered_unseen() {
    let repo = repository();
    let pin = repo.files["1.root.json"].clone();
    let newest = Document::<Root>::parse(&repo.files["2.root.json"]).unwrap();
    let mut draft = RootDraft::next(&newest, instant(LATER));
    draft
        .set_role(RoleName::Targets, &[key(44).public().clone()], 1)
        .unwrap();
    let draft = draft.finish().unwrap();
    let mut both = basis(&repo);
    both.next_root = Some(draft.signed().clone());
    let by_hand = altered(&addition(&repo), |value| value["operations"] = Value::Null).unwrap();
    let requests = [
        addition(&repo),
        by_hand,
        Request::root(&draft, basis(&repo).roots),
        Request::change(SigningRole::Targets, both, vec![remove("a.img")], instant(LATER)).unwrap(),
    ];
    for request in &requests {
        let before = seen(request, &pin).unwrap();
        let mut places = Vec::new();
        leaves(
            &serde_json::from_slice(&request.to_vec()).unwrap(),
            "",
            &mut places,
        );
        assert!(places.len() > 15);
        for place in places {
            for other in [
                json!(7),
                json!("x"),
                json!(LATER),
                json!(EXPIRES),
                json!(false),
                json!({"x": 1}),
                Value::Null,
            ] {
                let Ok(altered) = altered(request, |value| {
                    *value.pointer_mut(&place).unwrap() = other.clone()
                }) else {
                    continue;
                };
                if altered.digest() != request.digest() {
                    assert_ne!(seen(&altered, &pin).as_ref(), Some(&before), "{place} as {other}");
                }
            }
        }
    }
}

/// One bit anywhere in the last version or in a root that has no surplus signature.
#[test]
fn every_byte_of_the_evidence_is_vouched_for() {
    let repo = repository();
    let pin = repo.files["2.root.json"].clone();
    let request = addition(&repo);
    assert!(seen(&request, &pin).is_some());
    let evidence = [
        ("/base", &repo.files["2.targets.json"]),
        ("/roots/0", &repo.files["1.root.json"]),
    ];
    for (place, bytes) in evidence {
        for index in 0..bytes.len() {
            let mut bytes = bytes.clone();
            bytes[index] ^= 1;
            let other: Value = BASE64.encode(&bytes).into();
            let altered = altered(&request, |value| *value.pointer_mut(place).unwrap() = other);
            assert_eq!(seen(&altered.unwrap(), &pin), None, "{place}, byte {index}");
        }
    }
}

/// A file that is no request, and JSON that readers disagree about.
#[test]
fn what_is_no_request_is_refused() {
    let request = addition(&repository());
    let text = String::from_utf8(request.to_vec()).unwrap();
    let deep = format!("{{\"note\":{}", "[".repeat(1_000_000));
    let bad = [
        String::new(),
        "{}".to_owned(),
        deep,
        format!("{text}x"),
        text.replacen("\"note\":\"\"", "\"note\":\"\",\"note\":\"\"", 1),
        text.replacen("\"version\":3", "\"version\":3.0", 1),
        text.replacen("\"version\":3", "\"version\":9007199254740993", 1),
        text.replacen("\"note\":\"\"", "\"note\":\"e\u{301}\"", 1),
        text.replacen("signing-request/1", "signing-request/2", 1),
        text.replacen("\"role\":\"targets\"", "\"role\":\"timestamp\"", 1),
        text.replacen("\"note\":\"\"", "\"note\":\"\",\"more\":1", 1),
        text.replacen("\"signatures\":[]", "\"signatures\":[],\"more\":1", 1),
        text.replacen("b.img", "../b.img", 2),
    ];
    for text in bad {
        let shown: String = text.chars().take(60).collect();
        let refused = match Request::parse(text.as_bytes()) {
            Err(_) => true,
            Ok(request) => request
                .check(Some(&repository().files["1.root.json"]), at(NOW))
                .is_err(),
        };
        assert!(refused, "{shown}");
    }
    assert!(
        Request::parse(text.as_bytes()).is_ok(),
        "and the one they were made from is good"
    );
}
