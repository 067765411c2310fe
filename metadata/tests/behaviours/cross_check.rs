//! A target is trusted when both repositories say the same about it.

use sealift_metadata::uptane::{KeyBoxRef, cross_check, image_target};
use serde_json::{Value, json};

use crate::common::{Repo, VEHICLE, agreeing, both, director_entry, image_entry, path, sealed_profile};

fn refused(director: &Repo, image: &Repo) -> &'static str {
    let (director, image) = both(director, image).unwrap();
    cross_check(&director, &image).unwrap_err().code()
}

/// U-5.4.4.2-12, U-5.4.4.2-14: the good case carries everything that the vehicle needs.
#[test]
fn agreeing_repositories_give_trusted_targets() {
    let (director, image) = agreeing();
    let (director, image) = both(&director, &image).unwrap();
    let trusted = cross_check(&director, &image).unwrap();
    let [target] = &trusted[..] else {
        panic!("one target")
    };
    assert_eq!((target.path(), target.length()), (&path("fw/a.img"), 1000));
    assert_eq!(target.profile().release_counter, 7);
    assert_eq!(target.profile().to_value(), sealed_profile());
    let [ecu] = target.ecus() else { panic!("one ECU") };
    assert_eq!(
        (ecu.serial().as_str(), ecu.hardware_id().as_str()),
        ("ECU-1", "hw-a")
    );
    assert_eq!(ecu.key_box(), Some(&KeyBoxRef::Inline(b"box".to_vec())));
}

/// U-5.4.4.2-6: an empty Director asks for nothing.
#[test]
fn an_empty_director_gives_no_targets() {
    let (_, image) = agreeing();
    let (director, image) = both(&Repo::director(VEHICLE), &image).unwrap();
    assert!(cross_check(&director, &image).unwrap().is_empty());
}

/// U-5.4.4.2-14: exactly the same name.
#[test]
fn a_target_that_the_image_repository_lacks_is_refused() {
    let (mut director, image) = agreeing();
    director.put(
        "fw/A.img",
        director_entry(&sealed_profile(), &[("ECU-2", "hw-b")]),
    );
    director.next();
    assert_eq!(refused(&director, &image), "arbitrary_software");
}

/// U-5.4.4.2-15, X-15: length and the whole set of hashes agree.
#[test]
fn other_length_or_hashes_are_refused() {
    type Bend = fn(&mut Value);
    let bends: [Bend; 3] = [
        |entry| entry["length"] = json!(1001),
        |entry| entry["hashes"]["sha256"] = "11".repeat(32).into(),
        |entry| entry["hashes"]["sha512"] = "11".repeat(64).into(),
    ];
    for bend in bends {
        let (mut director, image) = agreeing();
        let mut entry = director_entry(&sealed_profile(), &[("ECU-1", "hw-a")]);
        bend(&mut entry);
        director.put("fw/a.img", entry);
        director.next();
        assert_eq!(refused(&director, &image), "arbitrary_software");
    }
}

/// U-5.4.4.2-16, U-5.2.3.1.1-1, U-5.2.3.1.1-4: the demarcated object is compared whole, field by field and beyond.
#[test]
fn any_difference_in_the_profile_is_refused() {
    let other = "22".repeat(32);
    for (pointer, value) in [
        ("/plain/sha256", json!(other)),
        ("/plain/length", json!(901)),
        ("/header/sha256", json!(other)),
        ("/segments/sha256", json!(other)),
        ("/release_counter", json!(8)),
        ("/hardware_ids", json!(["hw-a", "hw-b"])),
        ("/version", json!("1.2.4")),
    ] {
        let (mut director, image) = agreeing();
        let mut profile = sealed_profile();
        *profile.pointer_mut(pointer).unwrap() = value;
        director.put("fw/a.img", director_entry(&profile, &[("ECU-1", "hw-a")]));
        director.next();
        assert_eq!(refused(&director, &image), "arbitrary_software", "{pointer}");
    }
    let (mut director, image) = agreeing();
    let mut entry = director_entry(&sealed_profile(), &[("ECU-1", "hw-a")]);
    entry["custom"].as_object_mut().unwrap().remove("sealift");
    director.put("fw/a.img", entry);
    director.next();
    assert_eq!(refused(&director, &image), "arbitrary_software");
}

/// The order of hardware ids is part of the object: compared whole means as written.
#[test]
fn a_reordered_profile_is_another_profile() {
    let (mut director, mut image) = agreeing();
    let mut profile = sealed_profile();
    profile["hardware_ids"] = json!(["hw-a", "hw-b"]);
    image.put("fw/a.img", image_entry(&profile));
    image.next();
    profile["hardware_ids"] = json!(["hw-b", "hw-a"]);
    director.put("fw/a.img", director_entry(&profile, &[("ECU-1", "hw-a")]));
    director.next();
    assert_eq!(refused(&director, &image), "arbitrary_software");
}

/// U-5.4.3.4-2: stolen Director keys direct an image to hardware that it is not for.
#[test]
fn an_image_for_other_hardware_is_refused() {
    let (mut director, image) = agreeing();
    director.put(
        "fw/a.img",
        director_entry(&sealed_profile(), &[("ECU-2", "hw-b")]),
    );
    director.next();
    assert_eq!(refused(&director, &image), "wrong_hardware");
}

/// U-5.4.4.2-12, U-5.4.2.3-1: a mismatch on one image refuses all of them.
#[test]
fn one_bad_image_refuses_all() {
    let (mut director, mut image) = agreeing();
    let mut profile = sealed_profile();
    profile["hardware_ids"] = json!(["hw-b"]);
    image.put("fw/b.img", image_entry(&profile));
    image.next();
    profile["version"] = "2".into();
    director.put("fw/b.img", director_entry(&profile, &[("ECU-2", "hw-b")]));
    director.next();
    assert_eq!(refused(&director, &image), "arbitrary_software");
}

/// An image whose description cannot be read, or does not fit its length, is no image.
#[test]
fn a_profile_must_fit_its_object() {
    for (pointer, value) in [
        ("/segments/length", json!(64)),
        ("/segments/length", json!(0)),
        ("/header/length", json!(1001)),
        ("/protection", json!("none")),
    ] {
        let mut image = Repo::new();
        let mut profile = sealed_profile();
        *profile.pointer_mut(pointer).unwrap() = value;
        image.put("fw/a.img", image_entry(&profile));
        image.next();
        let trusted = image.client().refresh(&image.files).unwrap();
        assert_eq!(
            image_target(&trusted, &path("fw/a.img")).unwrap_err().code(),
            "malformed",
            "{pointer}"
        );
    }
}
