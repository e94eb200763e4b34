//! The sentences of collectives.

use std::collections::BTreeSet;

use komrade_view::{
    Alarm, Candidacy, Choice, CollectiveId, CollectiveQueueView, ComradeId, ConstitutionFault,
    Matter, Needs, Outcome, PersonKey, PostTick, Posters, PutRefusal, PutRefusalCode, QueueReason,
    RefusedBy, Share, Standing, Template,
};

use super::speaks_well;
use crate::{
    catalogue::*,
    rules::{Rule, Setting, tests::union},
    waiting::{For, Obstacle, Wait},
};

fn two_thirds(least: u16) -> Share {
    Share {
        parts: 2,
        of: 3,
        more: false,
        least,
    }
}

#[test]
fn every_setting_of_every_rule_is_one_plain_sentence() {
    let rules = union();
    let mut all = std::collections::BTreeSet::new();
    for rule in Rule::ALL {
        let choices = rule.choices(&rules);
        let mut texts = std::collections::BTreeSet::new();
        for choice in choices.iter().copied().chain([rule.of(&rules)]) {
            let mut changed = rules.clone();
            rule.set(&mut changed, choice);
            let text = rule_text(rule, &changed);
            speaks_well(&text);
            assert_eq!(text.matches(". ").count(), 0, "more than one: {text}");
            all.insert(text);
            texts.insert(setting(rule, choice));
        }
        assert_eq!(
            texts.len(),
            choices.len().max(1),
            "{rule:?} offers one thing twice"
        );
    }
    assert!(all.len() > 40, "only {} sentences", all.len());
}

#[test]
fn shares_are_said_as_people_say_them() {
    let mut rules = union();
    assert_eq!(
        rule_text(Rule::Vouches, &rules),
        "Nobody comes in unless 2 members vouch for them."
    );
    rules.admission.vouches = Share::number(1);
    assert_eq!(
        rule_text(Rule::Vouches, &rules),
        "Nobody comes in unless 1 member vouches for them."
    );
    rules.removal = two_thirds(2);
    assert_eq!(
        rule_text(Rule::Removal, &rules),
        "A member is removed if two thirds of all members, and no fewer than 2, vote for it; the \
         one concerned has no vote."
    );
    rules.removal = Share::percent(30);
    assert!(rule_text(Rule::Removal, &rules).contains("30\u{a0}% of all members vote"));
    assert_eq!(
        setting(Rule::Amendment, Setting::Share(two_thirds(2))),
        "two thirds of the members"
    );
    rules.posters = Posters::Delegates;
    assert!(rule_text(Rule::Posters, &rules).starts_with("Only delegates"));
}

#[test]
fn what_is_missing_names_who_is_enough() {
    let names: Vec<String> = ["Rosa", "Emil", "Bo"].map(str::to_owned).to_vec();
    assert_eq!(
        missing((3, 5), false, &names),
        "3 of 5 vouches; Rosa and Emil are enough to decide"
    );
    assert_eq!(
        missing((0, 1), true, &names),
        "0 of 1 vote for it; Rosa is enough to decide"
    );
    assert_eq!(
        missing((2, 5), true, &names),
        "2 of 5 votes for it; Rosa, Emil and Bo are enough to decide"
    );
    assert!(missing((1, 5), true, &names).ends_with("too few to make up for it"));
    let many: Vec<String> = (0..9).map(|n| n.to_string()).collect();
    assert!(missing((1, 9), true, &many).ends_with("8 more are enough to decide"));
    assert_eq!(missing((2, 2), false, &names), "2 of 2 vouches");
    let own = [YOURSELF.to_owned()];
    assert!(missing((1, 2), true, &own).ends_with("; you are enough to decide"));
}

#[test]
fn the_rule_that_decides_is_told_for_every_sort_of_proposal() {
    let none = Needs {
        vouches: None,
        yes: None,
        quorum: None,
        majority: None,
        electorate: 5,
        until: None,
    };
    let all = [
        Needs {
            vouches: Some((1, 2)),
            yes: Some((0, 4)),
            ..none
        },
        Needs {
            vouches: Some((0, 1)),
            ..none
        },
        Needs {
            yes: Some((0, 4)),
            ..none
        },
        Needs {
            quorum: Some((1, 2)),
            majority: Some(two_thirds(1)),
            ..none
        },
        none,
    ];
    let texts: std::collections::BTreeSet<String> = all.iter().map(decides).collect();
    assert_eq!(texts.len(), all.len());
    for text in &texts {
        speaks_well(text);
        assert!(text.contains("5 members"), "{text}");
    }
    assert_eq!(so_far(&all[0]), "1 of 2 vouches, 0 of 4 votes for it");
    assert_eq!(
        turnout((2, 2)),
        "2 members took part; 2 had to, so it counts"
    );
}

#[test]
fn every_end_of_a_proposal_says_what_it_means() {
    let outcomes = [
        Outcome::Passed,
        Outcome::Failed,
        Outcome::Won(0),
        Outcome::Tie,
        Outcome::Void,
        Outcome::Crossed,
    ];
    for voices in [(0, 0), (12, 3)] {
        let texts = outcomes.map(|it| outcome(it, "Friday", voices, "yesterday"));
        for text in &texts {
            speaks_well(&text.replace('“', ""));
        }
        let different: std::collections::BTreeSet<_> = texts.iter().collect();
        assert_eq!(different.len(), outcomes.len());
    }
    assert_eq!(
        outcome(Outcome::Passed, "", (12, 3), "yesterday"),
        "It is so: 12 to 3, yesterday."
    );
    let short = outcomes.map(|it| outcome_short(it, "Friday"));
    assert!(short.iter().all(|text| !text.is_empty()));
    for choices in [Choice::Yes, Choice::No, Choice::Abstain, Choice::Option(0)] {
        assert!(!choice(choices, "Friday").is_empty());
    }
}

#[test]
fn whoever_does_not_belong_is_told_why_and_what_stays() {
    let by = ComradeId([1; 16]);
    let day = 20_780;
    assert_eq!(
        ended(Standing::Removed(0), &on_day(day - 264, day), Some((12, 3))),
        "You were removed by a decision of 12 to 3 on Wednesday, 4 March; you keep what you already \
         read."
    );
    let over = [
        Standing::Removed(0),
        Standing::Left(0),
        Standing::NotAdmitted(0),
        Standing::Dissolved(0),
    ];
    for standing in over {
        speaks_well(&ended(standing, "today", None));
        speaks_well(silent(standing, false));
    }
    let others = [
        Standing::Linked { by },
        Standing::Asked { by, since: 0 },
        Standing::Invited { by },
        Standing::Candidate { by, since: 0 },
        Standing::Resting,
        Standing::Member,
    ];
    let names: std::collections::BTreeSet<&str> =
        over.iter().chain(&others).map(|it| stands(*it)).collect();
    assert_eq!(names.len(), over.len() + others.len());
    assert_eq!(about_collective(Standing::Member, 1), "1 member");
    assert_eq!(
        about_collective(Standing::Resting, 12),
        "12 members · you are resting"
    );
    speaks_well(&offer_text(3));
    speaks_well(&candidate_text("Rosa", "today"));
    for (standing, only) in [
        (Standing::Resting, false),
        (Standing::Member, true),
        (Standing::Member, false),
    ] {
        speaks_well(silent(standing, only));
    }
}

#[test]
fn alarms_faults_ticks_and_pages_speak_in_whole_sentences() {
    let alarms = [
        Alarm::DoubleSigned(PersonKey([0; 32])),
        Alarm::MutualRemoval,
        Alarm::NotFinal(0),
        Alarm::NoKeys,
        Alarm::Contradicts,
        Alarm::OtherPast,
        Alarm::TooLong,
    ];
    for it in alarms {
        speaks_well(&alarm(it, "Rosa", 31));
    }
    for it in [
        ConstitutionFault::NeverReached,
        ConstitutionFault::BadShare,
        ConstitutionFault::BadMajority,
        ConstitutionFault::BadDays,
        ConstitutionFault::NobodyPosts,
    ] {
        speaks_well(fault(it));
    }
    let ticks = [
        PostTick::Theirs,
        PostTick::Kept,
        PostTick::Accepted { homes: 1, of: 2 },
        PostTick::Accepted { homes: 2, of: 2 },
        PostTick::Seen(1),
        PostTick::Seen(4),
    ];
    let short: std::collections::BTreeSet<String> = ticks.iter().map(|it| post_tick(*it)).collect();
    assert_eq!(short.len(), ticks.len());
    for tick in ticks {
        let told = post_tick_explained(tick, "It waits for its turn.");
        speaks_well(&told);
        let waits = matches!(tick, PostTick::Kept | PostTick::Accepted { homes: 1, .. });
        assert_eq!(told.contains("It waits"), waits, "{told}");
    }
    for it in [
        Template::AffinityGroup,
        Template::TenantsUnion,
        Template::OpenAssembly,
    ] {
        speaks_well(template_text(it));
        assert!(!template(it).is_empty());
    }
    for text in [
        COLLECTIVES_EMPTY,
        FOUND_EDIT,
        FOUND_ALONE,
        RULES_ALONE,
        RULES_SAME,
        POSTS_EMPTY,
        POSTS_NONE,
        VOUCHED_HOW,
        REKEY_TEXT,
        REKEYED,
        LEAVE_TEXT,
        FORGET_COLLECTIVE_TEXT,
        DECISIONS_EMPTY,
        NAMED,
        VOUCH_TEXT,
        VOTED,
        PROPOSE_NOT,
        PROPOSE_COMRADE_TEXT,
        YOUR_WORD_RESTING,
        PROPOSE_REMOVE_TEXT,
        PROPOSE_DISSOLVE_TEXT,
        PROPOSE_VOTE,
    ] {
        speaks_well(text);
    }
    for count in [1, 7] {
        speaks_well(&gap_of_collective(count));
    }
    for when in [None, Some("yesterday")] {
        speaks_well(&keys_since(when));
        speaks_well(&final_at(when));
        speaks_well(&rekeyed(when));
    }
    speaks_well(&silent_for(63));
    for days in [1, 14] {
        speaks_well(&return_text(days));
        speaks_well(&propose_rest(days));
    }
    speaks_well(&rest_and_count(&["Bo".to_owned()]));
    speaks_well(&rest_and_count(&["Bo".to_owned(), "Rosa".to_owned()]));
    speaks_well(&member_since(&[], "today"));
    let vouchers = ["Rosa".to_owned(), "Emil".to_owned()];
    assert_eq!(
        member_since(&vouchers, "yesterday"),
        "Rosa and Emil vouched; a member since yesterday."
    );
}

#[test]
fn what_is_proposed_names_whom_it_is_about() {
    let person = PersonKey([0; 32]);
    let matters = [
        Matter::Admit {
            person,
            name: "Bo".to_owned(),
        },
        Matter::Remove(person),
        Matter::Rest(person),
        Matter::Delegate {
            person,
            elect: true,
        },
        Matter::Delegate {
            person,
            elect: false,
        },
    ];
    let texts: std::collections::BTreeSet<String> =
        matters.iter().map(|it| matter(it, "Bo")).collect();
    assert_eq!(texts.len(), matters.len());
    assert!(texts.iter().all(|text| text.contains("Bo")));
}

#[test]
fn whoever_asks_by_a_link_is_told_that_it_admits_nobody() {
    let far = |vouches, yes| Candidacy {
        vouches,
        yes,
        until: 0,
        told_at: 0,
    };
    assert_eq!(
        candidacy(&far(Some((3, 5)), None), "today"),
        "3 of 5 vouches so far, as told today."
    );
    assert_eq!(
        candidacy(&far(Some((1, 2)), Some((0, 3))), "yesterday"),
        "1 of 2 vouches and 0 of 3 votes for it so far, as told yesterday."
    );
    let sentences = [
        candidacy(&far(None, None), "today"),
        candidacy_until("Friday"),
        linked_text("Rosa", 3),
        asked_text("Rosa", "today"),
        ask_words_hint("Rosa"),
        link_good_for("7 days"),
        ends_in("7 days"),
        asking_in(1) + ".",
        asking_in(2) + ".",
        LINK_TEXT.to_owned(),
        LINK_SEEN.to_owned(),
        LINK_PREVIEW_TEXT.to_owned(),
        LOOKING_TEXT.to_owned(),
        WITHDRAW_TEXT.to_owned(),
        ASKING_IN_TEXT.to_owned(),
        ASKED_NO_STRANGER.to_owned(),
        ASKED_NO_COMRADE.to_owned(),
    ];
    for sentence in sentences {
        speaks_well(&sentence);
    }
    for text in [LINK_TEXT, LINK_PREVIEW_TEXT, &linked_text("Rosa", 3)] {
        assert!(text.contains("admits nobody"), "{text}");
    }
}

#[test]
fn a_split_says_who_goes_and_what_they_can_do() {
    let persons = vec![PersonKey([0; 32]), PersonKey([1; 32])];
    assert_eq!(
        matter(&Matter::Split(vec![PersonKey([0; 32])]), "Rosa"),
        "Split: Rosa goes and begins anew"
    );
    assert_eq!(
        matter(&Matter::Split(persons), "Rosa and Emil"),
        "Split: Rosa and Emil go and begin anew together"
    );
    speaks_well(PROPOSE_SPLIT_TEXT);
    speaks_well(PROPOSE_SPLIT_SIDES);
    speaks_well(PROPOSE_SPLIT_WRONG);
    speaks_well(&went(&[], "today"));
    let with = went(&["Rosa".to_owned(), "Emil".to_owned()], "yesterday");
    assert!(with.starts_with("You went with Rosa and Emil by a split yesterday, as you agreed."));
    speaks_well(&with);
}

#[test]
fn introductions_say_who_learns_what() {
    let own = |one, other, passed_on| introduction_own(("Rosa", one), ("Bo", other), passed_on);
    assert_eq!(
        own(Some(true), None, false),
        "You would introduce Rosa and Bo: Rosa said yes; Bo has not answered."
    );
    let sentences = [
        own(None, Some(false), false),
        own(Some(true), Some(true), true),
        introduce_text("Rosa"),
        introduction_text("Rosa", "Bo"),
        introduction_agreed("Bo", "today"),
        introduction_met("Rosa", "Bo"),
        introduced("Rosa", "Bo"),
        INTRODUCE_NOBODY.to_owned(),
    ];
    for sentence in sentences {
        speaks_well(&sentence);
    }
    assert!(introduce_text("Rosa").contains("you see who answered what"));
    assert!(introduction_text("Rosa", "Bo").contains("Bo is not told"));
}

fn queue(reason: QueueReason, refused: Option<PutRefusal>) -> CollectiveQueueView {
    CollectiveQueueView {
        collective: CollectiveId([1; 16]),
        waiting: 1,
        homes: (1, 1),
        reason,
        refused,
    }
}

const NO_ANSWER: Wait = Wait {
    for_what: For::RelayToAnswer,
    since: None,
};

#[test]
fn what_waits_of_posts_is_told_with_its_reason_in_whole_sentences() {
    let reasons = [
        QueueReason::Keys,
        QueueReason::Patience(7),
        QueueReason::Quiet(7),
        QueueReason::OwnRelay,
        QueueReason::Work,
        QueueReason::Turn,
    ];
    let tell = |queue| queued_posts(queue, Some(NO_ANSWER), 65);
    let mut texts = reasons.map(|reason| tell(queue(reason, None))).to_vec();
    assert_eq!(texts[3], "1 post waits for your relay to answer.");
    let several = CollectiveQueueView {
        waiting: 1_234,
        homes: (2, 3),
        ..queue(QueueReason::OwnRelay, None)
    };
    texts.push(tell(several));
    assert_eq!(
        texts[6],
        "1,234 posts wait for your relay to answer. Not handed on yet for 2 of the 3 relays that \
         the members use."
    );
    let all: BTreeSet<&String> = texts.iter().collect();
    assert_eq!(all.len(), texts.len(), "two queues say the same");
    for text in &texts {
        speaks_well(text);
        assert!(!text.to_lowercase().contains("comrade"), "{text}");
    }
    let keys = Wait {
        for_what: For::FreshKeys,
        since: None,
    };
    let fresh = waiting_for(For::FreshKeys);
    assert_eq!(
        tick_waiting(keys, None),
        format!("kept here, waiting for {fresh}")
    );
    assert!(texts[0].contains(fresh), "{}", texts[0]);
}

#[test]
fn every_refusal_of_a_post_is_told_in_the_route_and_behind_its_tick() {
    let mut sentences = BTreeSet::new();
    for by in [RefusedBy::OwnRelay, RefusedBy::TheirRelay] {
        for why in PutRefusalCode::ALL {
            let refused = PutRefusal { by, why };
            let text = put_refused(refused, true);
            speaks_well(&text);
            assert!(text.ends_with("Komrade tries again by itself."), "{text}");
            // Whose relay is meant by "theirs", of so many?
            assert!(!text.starts_with("Their"), "{text}");
            let queue = queue(QueueReason::Patience(7), Some(refused));
            let waits = it_waits(Some(Obstacle::from(&queue)), NO_ANSWER, 42);
            let partly = PostTick::Accepted { homes: 1, of: 2 };
            for told in [
                queued_posts(queue, None, 42),
                post_tick_explained(PostTick::Kept, &waits),
                post_tick_explained(partly, &waits),
            ] {
                speaks_well(&told);
                assert!(told.contains(&text), "{told}");
                assert!(told.contains("42\u{a0}s for the next try"), "{told}");
            }
            sentences.insert(text);
        }
    }
    assert_eq!(sentences.len(), 2 * PutRefusalCode::ALL.len());
}
