//! Help texts and messages, kept as files so that changing one is a reviewed act.

#[test]
fn help_and_messages_are_as_written_down() {
    trycmd::TestCases::new().case("tests/cmd/*.trycmd");
}
