use super::*;

#[test]
fn what_a_circle_means_is_told_in_whole_sentences() {
    let texts = [
        CIRCLE_EMPTY,
        CIRCLE_EMPTY_THEIRS,
        COMMENT_OWN_TEXT,
        TAKE_BACK_TEXT,
        CIRCLE_FORGET_TEXT,
        CIRCLE_WHAT,
        CIRCLE_NAME_HINT,
        CIRCLE_NAME_MISSING,
        CIRCLE_NOBODY,
        CIRCLE_EVERYBODY,
        CIRCLE_OLDER_HINT,
        CIRCLE_END_TEXT,
        CIRCLE_POST_EMPTY,
        NO_SUCH_CIRCLE,
    ];
    let named = [
        comment_text("Rosa"),
        circle_missing(1),
        circle_missing(1_234),
        circle_ended("Rosa"),
        circle_leave_text("Rosa"),
        circle_remove_text("Bo"),
    ];
    for text in texts.into_iter().chain(named.iter().map(String::as_str)) {
        speaks_well(text);
    }
    assert!(named[0].contains("with your name"));
    assert!(named[5].contains("not told"));
    assert!(named[2].contains("1,234"));
    let counts: BTreeSet<_> = [0, 1, 1_234].map(circle_readers).into();
    assert_eq!(counts.len(), 3);
    assert_eq!(circle_had(0, 0), "nobody reads it");
    assert_eq!(circle_had(2, 1_234), "2 of 1,234 have it");
    assert_eq!(circle_of(""), "New comrade's circle");
}
