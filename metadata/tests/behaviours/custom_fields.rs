//! What a target may say beyond the profile.

use crate::common::{agreeing, both, compare, director_entry, image_entry, sealed_profile};

/// U-5.2.3.1.1-8: what is not part of the profile may be there, in one repository or differently in both, and is signed like the
/// rest.
#[test]
fn other_custom_fields_are_passed_over() {
    let (mut director, mut image) = agreeing();
    let mut entry = image_entry(&sealed_profile());
    entry["custom"]["x-note"] = "for suppliers".into();
    image.put("fw/a.img", entry);
    image.next();
    let mut entry = director_entry(&sealed_profile(), &[("ECU-1", "hw-a")]);
    entry["custom"]["x-note"] = "for this vehicle".into();
    director.put("fw/a.img", entry);
    director.next();
    let (trusted_director, trusted_image) = both(&director, &image).unwrap();
    assert_eq!(compare(&trusted_director, &trusted_image).unwrap().len(), 1);
    let kept = &trusted_image.targets().signed()["targets"]["fw/a.img"]["custom"]["x-note"];
    assert_eq!(kept, "for suppliers");

    let name = "3.targets.json";
    let text = String::from_utf8(image.files[name].clone()).unwrap();
    image
        .files
        .insert(name.into(), text.replace("suppliers", "everybody").into_bytes());
    assert!(image.client().refresh(&image.files).is_err(), "and is covered");
}
