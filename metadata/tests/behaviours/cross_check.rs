//! A target is trusted when both repositories say the same about it.

use std::collections::{BTreeMap, BTreeSet};

use sealift_metadata::uptane::{KeyBoxRef, cross_check, directed, image_target};
use serde_json::{Value, json};

use crate::common::{
    Repo, Tree, VEHICLE, agreeing, both, compare, director_entry, hardware, image_entry, listed, path,
    sealed_profile,
};

fn refused(director: &Repo, image: &Repo) -> &'static str {
    let (director, image) = both(director, image).unwrap();
    compare(&director, &image).unwrap_err().code()
}

/// U-5.4.4.2-12, U-5.4.4.2-14: the good case carries everything that the vehicle needs.
#[test]
fn agreeing_repositories_give_trusted_targets() {
    let (director, image) = agreeing();
    let (director, image) = both(&director, &image).unwrap();
    let trusted = compare(&director, &image).unwrap();
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
    assert!(compare(&director, &image).unwrap().is_empty());
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

/// What was found under one name is not taken for another, however it was filed.
#[test]
fn a_target_counts_under_its_own_name_alone() {
    let (director, mut image) = agreeing();
    image.put("fw/b.img", image_entry(&sealed_profile()));
    image.next();
    let (trusted_director, trusted_image) = both(&director, &image).unwrap();
    let other = image_target(&trusted_image, &path("fw/b.img")).unwrap();
    let misfiled = BTreeMap::from([(path("fw/a.img"), other)]);
    let refused = cross_check(&trusted_director, &misfiled).unwrap_err();
    assert_eq!(refused.code(), "arbitrary_software");
    let nothing = BTreeMap::new();
    assert!(cross_check(&trusted_director, &nothing).is_err());
}

/// A role that may sign for the hardware of some of the ECUs may not sign a target that is for all of them.
#[test]
fn a_target_is_looked_for_on_the_hardware_of_all_its_ecus() {
    let mut profile = sealed_profile();
    profile["hardware_ids"] = json!(["hw-a", "hw-b"]);
    let directing = |ecus: &[(&str, &str)]| {
        let mut director = Repo::director(VEHICLE);
        director.put("fw/a.img", director_entry(&profile, ecus));
        director.next();
        director.vehicle_client().refresh(&director.files).unwrap()
    };
    let one = directing(&[("ECU-1", "hw-a")]);
    let two = directing(&[("ECU-1", "hw-a"), ("ECU-2", "hw-b")]);
    let wanted = |ids: &[&str]| BTreeMap::<_, BTreeSet<_>>::from([(path("fw/a.img"), hardware(ids))]);
    assert_eq!(directed(&one).unwrap(), wanted(&["hw-a"]));
    assert_eq!(directed(&two).unwrap(), wanted(&["hw-a", "hw-b"]));

    let mut tree = Tree::new();
    tree.delegate("targets", "supplier", json!({"paths": ["fw/*"]}));
    tree.doc("targets")["custom"] = json!({"sealift_delegations": {"hardware_ids": {"supplier": ["hw-a"]}}});
    tree.doc("supplier")["targets"]["fw/a.img"] = image_entry(&profile);
    tree.publish();
    let image = tree.repo.client().refresh(&tree.repo.files).unwrap();
    let found = |director| listed(director, &image, &tree.repo.files).unwrap();
    assert_eq!(cross_check(&one, &found(&one)).unwrap().len(), 1);
    assert_eq!(
        cross_check(&two, &found(&two)).unwrap_err().code(),
        "arbitrary_software"
    );
}
