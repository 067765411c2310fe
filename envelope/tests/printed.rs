//! No type and no error shows key or plaintext when it is printed, in whatever notation.

use std::error::Error;
use std::fmt::{Debug, Write as _};
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use sealift_envelope::{
    Binding, CHUNK_LEN, ContentKey, Header, KeyBox, KeyFile, Opener, PrivateKey, RangedOpener, UnwrapError,
    danger, open,
};

use crate::support::{P256, RSA, TestRng, X_WING, key_of, plan, run};

/// Whether `text` shows any nine bytes in a row of `secret`: as hexadecimal, base64, a list of numbers, or as they are.
fn shows(text: &str, secret: &[u8]) -> bool {
    let lower = text.to_lowercase();
    secret.windows(9).any(|nine| {
        let list = |separator: &str| {
            let numbers: Vec<String> = nine.iter().map(u8::to_string).collect();
            numbers.join(separator)
        };
        // Nine bytes are twelve characters wherever they start on a multiple of three.
        lower.contains(&hex::encode(nine))
            || text.contains(&STANDARD_NO_PAD.encode(nine))
            || text.contains(&URL_SAFE_NO_PAD.encode(nine))
            || text.contains(&list(", "))
            || text.contains(&list(",\n"))
            || str::from_utf8(nine).is_ok_and(|plain| text.contains(plain))
    })
}

/// All that an error can be made to say.
fn said(error: &(dyn Error + 'static)) -> String {
    let mut text = format!("{error:?} {error:#?}");
    let mut next = Some(error);
    while let Some(error) = next {
        write!(text, " {error}").unwrap();
        next = error.source();
    }
    text
}

fn shown(value: &impl Debug) -> String {
    // The second form has every number on a line of its own.
    format!("{value:?} {}", format!("{value:#?}").replace(' ', ""))
}

/// Letters, so that they would be seen even as text.
fn plaintext(len: usize) -> Vec<u8> {
    b"PlaintextOfTheImage".iter().copied().cycle().take(len).collect()
}

#[test]
fn the_search_knows_every_notation() {
    let secret = *b"a secret of some length";
    let numbers = format!("{secret:?}");
    let lines = format!("{secret:#?}").replace(' ', "");
    for text in [
        hex::encode(secret),
        hex::encode_upper(secret),
        STANDARD_NO_PAD.encode(secret),
        numbers,
        lines,
        "it is a secret of some length".to_owned(),
    ] {
        assert!(shows(&text, &secret), "{text}");
    }
    assert!(!shows("nothing to see", &secret));
}

#[test]
fn machines_show_neither_keys_nor_plaintext() {
    let plain = plaintext(2 * CHUNK_LEN + 500);
    let plan = plan(
        "printed",
        None,
        vec![P256.public(), RSA.public(), X_WING.public()],
    );
    let image = run(&plan, &plain);
    let (header, header_len) = Header::parse(&image).unwrap();

    let mut sealer = plan.sealer().unwrap();
    sealer.update(&plain[..1000], &mut Vec::new()).unwrap();
    let mut opener = Opener::new(&header, key_of(&plan)).unwrap();
    opener.update(&image[header_len..], &mut Vec::new()).unwrap();
    let mut ranged = RangedOpener::new(image.as_slice(), |_| Ok(key_of(&plan))).unwrap();
    ranged.read_range(10, 1000, &mut Vec::new()).unwrap();
    // The image itself is the source, and no secret; it only must not hide what is looked for.
    let mut reader = RangedOpener::new(image.as_slice(), |_| Ok(key_of(&plan)))
        .unwrap()
        .into_reader();
    io::Read::read_exact(&mut reader, &mut [0; 1000]).unwrap();
    let digest = plan.envelope_digest();
    let place = Binding::key_box("repository", "path", "vehicle", "ecu");
    let key_box = KeyBox::create(
        plan.content_key(),
        &P256.public(),
        &digest,
        &place,
        &mut TestRng::new("box"),
    )
    .unwrap();
    let mut file = KeyFile::new(digest);
    file.add(key_box.stanza().clone()).unwrap();

    let texts = [
        shown(plan.content_key()),
        shown(&plan),
        shown(&sealer),
        shown(&opener),
        shown(&ranged),
        shown(&reader),
        shown(&header),
        shown(&key_box),
        shown(&file),
    ];
    for text in &texts {
        assert!(!shows(text, plan.content_key().expose()), "{text}");
        assert!(!shows(text, &plain[..100]), "{text}");
    }
}

#[test]
fn private_keys_show_nothing_of_their_encoding() {
    for key in [&*P256, &*RSA, &*X_WING] {
        let pem = key.to_pkcs8_pem(None, &mut TestRng::new("pem")).unwrap();
        let body: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
        let der = STANDARD.decode(&body).unwrap();
        // The end of it is the private part of all three, but for P-256, where the public key follows.
        let secret = match key.public() {
            sealift_envelope::RecipientKey::P256 { .. } => &der[36..68],
            _ => &der[der.len() - 32..],
        };
        assert!(!shows(&shown(key), secret));
        assert!(!shows(&shown(&key.public()), secret));
    }
}

#[test]
fn errors_show_neither_keys_nor_plaintext_nor_passphrases() {
    let plain = plaintext(CHUNK_LEN + 500);
    let plan = plan(
        "printed errors",
        None,
        vec![P256.public(), RSA.public(), X_WING.public()],
    );
    let image = run(&plan, &plain);
    let mut errors: Vec<Box<dyn Error>> = Vec::new();

    let stranger = PrivateKey::generate_p256(&mut TestRng::new("a stranger"));
    let header_len = plan.header().bytes().len();
    let place = Binding::key_file("repository", "path");
    for at in [header_len - 57, header_len - 1, header_len, image.len() - 1] {
        let mut image = image.clone();
        image[at] ^= 1;
        for key in [&stranger, &*P256, &*RSA, &*X_WING] {
            let find = |header: &Header| header.unwrap_with(key, &Binding::in_file());
            let opened = open(image.as_slice(), io::sink(), find, &mut |_| {});
            errors.extend(opened.err().map(|error| Box::new(error) as Box<dyn Error>));
            let elsewhere = plan.header().unwrap_with(key, &place);
            errors.extend(elsewhere.err().map(|error| Box::new(error) as Box<dyn Error>));
        }
    }
    errors.push(Box::new(
        plan.header()
            .check_key(&ContentKey::from_bytes([0xAB; 32]))
            .unwrap_err(),
    ));
    errors.push(Box::new(UnwrapError::Unavailable("the token is gone".into())));
    let mut sealer = crate::support::plan("printed errors", Some(1), vec![])
        .sealer()
        .unwrap();
    errors.push(Box::new(sealer.update(&plain, &mut Vec::new()).unwrap_err()));

    let passphrase = b"correct horse battery staple";
    let pem = P256
        .to_pkcs8_pem(Some(passphrase), &mut TestRng::new("pem"))
        .unwrap();
    let clear = P256.to_pkcs8_pem(None, &mut TestRng::new("pem")).unwrap();
    let cut = clear.replace("END", "EMD");
    for (pem, given) in [
        (pem.as_str(), Some(&b"incorrect horse battery staple"[..])),
        (pem.as_str(), None),
        (cut.as_str(), None),
        (&clear[..100], None),
    ] {
        errors.push(Box::new(PrivateKey::from_pkcs8_pem(pem, given).unwrap_err()));
    }
    errors.push(Box::new(
        danger::generate_rsa(&mut TestRng::new("small"), 1024).unwrap_err(),
    ));

    assert!(errors.len() > 20, "{}", errors.len());
    for error in &errors {
        let text = said(error.as_ref());
        assert!(!shows(&text, plan.content_key().expose()), "{text}");
        assert!(!shows(&text, &[0xAB; 32]), "{text}");
        assert!(!shows(&text, &plain[..100]), "{text}");
        assert!(!shows(&text, passphrase), "{text}");
        assert!(!shows(&text, clear[40..100].as_bytes()), "{text}");
        assert!(!text.is_empty());
    }
}
