use sealift_envelope::{SealParams, SealPlan};
use sealift_repository::{UploadId, UploadRecord};

use super::head::Digested;
use super::*;

fn head(source: Source, plan: Option<Plan>) -> Head {
    let digested = Digested {
        length: 5,
        sha256: [7; 32],
    };
    Head {
        version: VERSION,
        began: jiff::Timestamp::UNIX_EPOCH,
        store: "s3://bucket".to_owned(),
        repository: "ab".to_owned(),
        target: "ecu/app.img".to_owned(),
        source,
        options: "cd".to_owned(),
        object: digested,
        plain: digested,
        header: None,
        plan,
        key_file: Some("00ff".to_owned()),
    }
}

fn plan() -> SealPlan {
    SealPlan::new(
        SealParams::default(),
        &mut rand_core::UnwrapErr(getrandom::SysRng),
    )
    .unwrap()
}

struct Place {
    _folder: tempfile::TempDir,
    journals: Journals,
    id: Id,
}

fn place() -> Place {
    let folder = tempfile::tempdir().unwrap();
    Place {
        journals: Journals {
            folder: folder.path().join("uploads"),
        },
        id: Id::new("s3://bucket", "ab", "ecu/app.img"),
        _folder: folder,
    }
}

fn file() -> Source {
    Source::File("/images/app.img".into())
}

fn found(place: &Place) -> Journal {
    match place.journals.take(&place.id).unwrap() {
        Taken::Found(journal) => journal,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_written_down_is_read_again() {
    let (place, plan) = (place(), plan());
    let recorded = Plan::new(plan.content_key(), plan.header());
    let journal = place
        .journals
        .create(&place.id, head(file(), Some(recorded)))
        .unwrap()
        .unwrap();
    assert!(matches!(place.journals.take(&place.id).unwrap(), Taken::Busy));
    assert!(
        place
            .journals
            .create(&place.id, head(file(), None))
            .unwrap()
            .is_none()
    );
    let lines = journal.lines();
    lines.begun(&UploadId::new("first".to_owned(), 6 << 20).unwrap());
    lines.sending(0, &[1; 32]).unwrap();
    lines.begun(&UploadId::new("second".to_owned(), 6 << 20).unwrap());
    lines.sending(1, &[2; 32]).unwrap();
    lines.sending(0, &[1; 32]).unwrap();
    lines.stored(1, "\"tag\"");
    drop((lines, journal));

    let journal = found(&place);
    let (key, header) = journal.head.plan.as_ref().unwrap().parts().unwrap();
    assert_eq!(key.expose(), plan.content_key().expose());
    assert_eq!(header.bytes(), plan.header().bytes());
    assert_eq!(journal.head.key_bytes(), Some(Some(vec![0, 255])));
    let earlier = journal.earlier.as_ref().unwrap();
    assert_eq!(earlier.id.as_str(), "second");
    let receipts: Vec<_> = earlier
        .parts
        .values()
        .map(|part| part.receipt.as_deref())
        .collect();
    assert_eq!(receipts, [None, Some("\"tag\"")]);
    assert!(!format!("{journal:?}").contains(&hex::encode(plan.content_key().expose())));
    journal.remove().unwrap();
    assert!(matches!(place.journals.take(&place.id).unwrap(), Taken::Nothing));
}

#[test]
fn a_head_cut_short_counts_as_none_and_makes_room() {
    let place = place();
    drop(place.journals.create(&place.id, head(file(), None)).unwrap());
    let path = place.journals.path(&place.id);
    let entries: Vec<_> = fs::read_dir(&place.journals.folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(
        entries,
        std::slice::from_ref(&path),
        "the key lies in no other file"
    );
    let whole = fs::read(&path).unwrap();
    for length in 0..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let taken = place.journals.take(&place.id).unwrap();
        let Taken::Damaged(damaged) = taken else {
            panic!("{length}: {taken:?}");
        };
        damaged.remove().unwrap();
        assert!(!path.exists(), "{length}");
    }
    assert!(
        place
            .journals
            .create(&place.id, head(file(), None))
            .unwrap()
            .is_some()
    );
}

#[test]
fn half_a_line_is_cut_before_the_next_is_added() {
    let place = place();
    let journal = place
        .journals
        .create(&place.id, head(file(), None))
        .unwrap()
        .unwrap();
    journal
        .lines()
        .begun(&UploadId::new("id".to_owned(), 6 << 20).unwrap());
    journal.lines().sending(0, &[1; 32]).unwrap();
    let path = place.journals.path(&place.id);
    drop(journal);
    let whole = fs::read(&path).unwrap();
    for cut in 1..70 {
        fs::write(&path, &whole[..whole.len() - cut]).unwrap();
        let journal = found(&place);
        assert_eq!(journal.earlier.as_ref().unwrap().parts.len(), 0, "{cut}");
        journal.lines().sending(0, &[3; 32]).unwrap();
        drop(journal);
        assert_eq!(found(&place).earlier.unwrap().parts[&0].through, [3; 32], "{cut}");
    }
}

#[test]
fn what_does_not_add_up_counts_as_none() {
    let place = place();
    drop(place.journals.create(&place.id, head(file(), None)).unwrap());
    let path = place.journals.path(&place.id);
    let good = fs::read_to_string(&path).unwrap();
    let begun = "{\"begun\":{\"id\":\"x\",\"part_bytes\":6291456}}\n";
    let through = "11".repeat(32);
    let sending = |part: &str| format!("{{\"sending\":{{\"part\":{part},\"through\":\"{through}\"}}}}\n");
    let stored = "{\"stored\":{\"part\":0,\"receipt\":\"x\"}}\n";
    fs::write(&path, [&good, begun, &sending("0"), stored].concat()).unwrap();
    drop(found(&place));
    let bad = [
        String::new(),
        "\n".to_owned(),
        good.replace("\"version\":1", "\"version\":2"),
        good.replace("\"options\"", "\"surplus\":1,\"options\""),
        good.replace("ecu/app.img", "../up"),
        good.replace("/images/app.img", "images/app.img"),
        good.replace("{\"file\":\"/images/app.img\"}", "{\"spool\":\"/etc/passwd\"}"),
        good.replace("00ff", "zz"),
        good.replace("\"plan\":null", "\"plan\":{\"key\":\"00\",\"header\":\"00\"}"),
        good.replace(&"07".repeat(32), "07"),
        format!("{good}{}", sending("0")),
        format!("{good}{begun}{stored}"),
        format!("{good}{begun}{}{}", sending("0"), sending("0")),
        format!("{good}{begun}{}{stored}{stored}", sending("0")),
        format!("{good}{begun}{}", sending("-1")),
        format!("{good}{}", begun.replace("\"x\"", "\"\"")),
        format!("{good}{}", begun.replace("6291456", "0")),
        format!(
            "{good}{}",
            begun.replace("\"x\"", &format!("\"{}\"", "x".repeat(9000)))
        ),
        format!("{good}{begun}nonsense\n"),
    ];
    for text in bad {
        fs::write(&path, &text).unwrap();
        let taken = place.journals.take(&place.id).unwrap();
        assert!(matches!(taken, Taken::Damaged(_)), "{text}");
    }
}

/// What is read at a cap, and not past it, with nothing else the matter.
#[test]
fn journals_lines_parts_and_receipts_have_caps() {
    let place = place();
    drop(place.journals.create(&place.id, head(file(), None)).unwrap());
    let path = place.journals.path(&place.id);
    let good = fs::read_to_string(&path).unwrap();
    let begun = "{\"begun\":{\"id\":\"x\",\"part_bytes\":6291456}}";
    let is_read = |text: String| {
        fs::write(&path, text).unwrap();
        match place.journals.take(&place.id).unwrap() {
            Taken::Found(_) => true,
            Taken::Damaged(_) => false,
            other => panic!("{other:?}"),
        }
    };

    // Blanks behind JSON are JSON.
    let line = |length: usize| format!("{begun:<length$}\n");
    let whole = |length: usize| {
        let mut text = good.clone();
        while text.len() < length {
            let room = length - text.len();
            // Never less than a line is left for the last one.
            let next = if room <= 8193 { room } else { 8193.min(room - 100) };
            text.push_str(&line(next - 1));
        }
        text
    };
    let max = usize::try_from(MAX_BYTES).unwrap();
    assert_eq!(
        [8192, 8193].map(|length| is_read(good.clone() + &line(length))),
        [true, false]
    );
    assert_eq!([max, max + 1].map(|length| is_read(whole(length))), [true, false]);

    let through = "11".repeat(32);
    let sending = |part: u32| format!("{{\"sending\":{{\"part\":{part},\"through\":\"{through}\"}}}}\n");
    assert_eq!(
        [9_999, 10_000].map(|part| is_read(format!("{good}{begun}\n{}", sending(part)))),
        [true, false]
    );
    let stored = |length: usize| {
        format!(
            "{{\"stored\":{{\"part\":0,\"receipt\":\"{}\"}}}}\n",
            "x".repeat(length)
        )
    };
    assert_eq!(
        [1024, 1025].map(|length| is_read(format!("{good}{begun}\n{}{}", sending(0), stored(length)))),
        [true, false]
    );
}

#[test]
fn a_receipt_that_could_not_be_read_again_is_not_written() {
    let place = place();
    let journal = place
        .journals
        .create(&place.id, head(file(), None))
        .unwrap()
        .unwrap();
    let lines = journal.lines();
    lines.begun(&UploadId::new("id".to_owned(), 6 << 20).unwrap());
    for part in [0, 1, 2] {
        lines.sending(part, &[1; 32]).unwrap();
    }
    // Escaped it has six times the length.
    let longest = "\u{1}".repeat(1024);
    lines.stored(0, &longest);
    lines.stored(1, &"x".repeat(1025));
    lines.stored(2, "tag");
    drop((lines, journal));
    let receipts: Vec<_> = found(&place)
        .earlier
        .unwrap()
        .parts
        .into_values()
        .map(|part| part.receipt)
        .collect();
    assert_eq!(receipts, [Some(longest), None, Some("tag".to_owned())]);
}

#[test]
fn only_a_spool_is_removed_with_its_journal() {
    let place = place();
    let folder = place.journals.folder.parent().unwrap().to_owned();
    let spool = folder.join(format!("{SPOOL_PREFIX}1"));
    let image = folder.join("image");
    for (source, path) in [
        (Source::Spool(spool.clone()), &spool),
        (Source::File(image.clone()), &image),
    ] {
        fs::write(path, "bytes").unwrap();
        let journal = place
            .journals
            .create(&place.id, head(source, None))
            .unwrap()
            .unwrap();
        journal.remove().unwrap();
    }
    assert!(!spool.exists());
    assert!(image.exists());
}

#[test]
fn a_damaged_journal_takes_its_spool_along_and_no_other_journal() {
    let place = place();
    let spool = place
        .journals
        .folder
        .parent()
        .unwrap()
        .join(format!("{SPOOL_PREFIX}1"));
    fs::write(&spool, "bytes").unwrap();
    drop(
        place
            .journals
            .create(&place.id, head(Source::Spool(spool.clone()), None))
            .unwrap(),
    );
    let path = place.journals.path(&place.id);
    let whole = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{whole}nonsense\n")).unwrap();
    let Taken::Damaged(damaged) = place.journals.take(&place.id).unwrap() else {
        panic!("it is damaged");
    };
    assert!(matches!(place.journals.take(&place.id).unwrap(), Taken::Busy));
    fs::rename(&path, path.with_extension("old")).unwrap();
    drop(place.journals.create(&place.id, head(file(), None)).unwrap());
    damaged.remove().unwrap();
    assert!(!spool.exists());
    drop(found(&place));
}

#[test]
fn a_line_that_cannot_be_written_takes_the_journal_along() {
    let place = place();
    drop(place.journals.create(&place.id, head(file(), None)).unwrap());
    let path = place.journals.path(&place.id);
    // Opened for reading, every write fails; so does emptying it.
    let lines = Lines::new(File::open(&path).unwrap(), path.clone());
    assert!(!lines.broken());
    lines.sending(0, &[1; 32]).unwrap();
    assert!(lines.broken());
    assert!(!path.exists());
}

#[test]
fn ids_are_parsed() {
    assert_eq!(Id::parse(place().id.as_str()), Some(place().id));
    for bad in ["", "../../etc/pas", "0123456789AB", "0123456789abc"] {
        assert_eq!(Id::parse(bad), None, "{bad}");
    }
}
