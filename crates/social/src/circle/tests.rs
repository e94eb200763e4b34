#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use std::sync::OnceLock;

use komrade_crypto::identity::{CERTIFICATE_BYTES, DeviceCertificate, DeviceKey, RecoveryWords};
use proptest::prelude::*;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::*;
use crate::OperationError;

const KNOWN: &str = include_str!("known.txt");
const NONCE: [u8; 16] = [7; 16];

struct Writer {
    person: PersonId,
    certificate: DeviceCertificate,
    key: DeviceKey,
}

impl Writer {
    fn new(number: u8) -> Self {
        let root = RecoveryWords::from_bytes([number; 32]).root();
        let key = DeviceKey::from_bytes(&[number + 1; 32]);
        Self {
            person: root.person(),
            certificate: root.certify(&key.public(), 20_000),
            key,
        }
    }

    fn device(&self) -> DeviceId {
        DeviceId(self.key.public())
    }

    fn circle(&self) -> Circle {
        Circle::new(CircleId::of(&self.person, &NONCE), [self.device()])
    }

    fn fields(&self, before: Option<&Operation>, body: Body) -> Fields {
        let sequence = before.map_or(1, |it| it.fields().sequence + 1);
        Fields {
            sequence,
            previous: before.map(Operation::id),
            time: 1_795_392_000_000 + sequence,
            expiry_day: 20_870,
            nonce: NONCE,
            person: self.person,
            device: self.device(),
            body,
        }
    }

    fn write(&self, all: &mut Vec<Operation>, body: Body) -> OperationId {
        let operation = Operation::sign(self.fields(all.last(), body), &self.key).unwrap();
        all.push(operation);
        all[all.len() - 1].id()
    }

    fn comment(&self, circle: CircleId, on: OperationId, text: &str) -> Box<Comment> {
        let time = 1_795_392_000_500;
        let said = Comment::sign((circle, on), time, "Bo", text, &self.certificate, &self.key);
        Box::new(said.unwrap())
    }
}

fn post(text: &str) -> Body {
    let text = text.to_owned();
    Body::Post { text }
}

/// Two posts, comments by two persons, one of them published twice, one taken back.
fn story() -> (Writer, Vec<Operation>) {
    let (owner, bo, cy) = (Writer::new(1), Writer::new(3), Writer::new(5));
    let circle = owner.circle().id();
    let mut all = Vec::new();
    let first = owner.write(&mut all, post("first"));
    let comment = bo.comment(circle, first, "good");
    owner.write(
        &mut all,
        Body::Comment {
            comment: comment.clone(),
        },
    );
    let second = owner.write(&mut all, post("second"));
    owner.write(&mut all, Body::Comment { comment });
    let comment = cy.comment(circle, second, "bad");
    let of = owner.write(&mut all, Body::Comment { comment });
    owner.write(&mut all, Body::Remove { of });
    let comment = owner.comment(circle, second, "mine");
    owner.write(&mut all, Body::Comment { comment });
    (owner, all)
}

fn shown(circle: &Circle) -> Vec<(String, Vec<String>)> {
    let text =
        |(_, it): &(OperationId, &Comment)| format!("{} ({})", it.text(), it.person().short_code());
    let posts = circle.posts().into_iter();
    posts
        .map(|it| (it.text.to_owned(), it.comments.iter().map(text).collect()))
        .collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn the_bytes_of_each_structure_are_frozen() {
    let (owner, all) = story();
    let id = owner.circle().id();
    let mut lines = vec![format!("circle: {}", hex(&id.0))];
    for operation in &all {
        lines.push(format!(
            "{}: {}",
            hex(&operation.id().0[..8]),
            hex(operation.as_bytes())
        ));
        if let Body::Comment { comment } = operation.body() {
            lines.push(format!("comment {}", hex(&comment.id().0[..8])));
        }
    }
    assert_eq!(lines, KNOWN.lines().collect::<Vec<_>>());
    for operation in &all {
        let read = Operation::decode(operation.as_bytes()).unwrap();
        assert_eq!(&read, operation);
    }
}

#[test]
fn posts_stand_with_their_comments_and_what_was_taken_back_is_gone() {
    let (owner, all) = story();
    let mut circle = owner.circle();
    for operation in all {
        assert!(matches!(circle.insert(operation), Ok(Inserted::New(_))));
    }
    let [bo, own] = [3, 1].map(|number| Writer::new(number).person.short_code());
    let expected = [
        ("second".to_owned(), vec![format!("mine ({own})")]),
        ("first".to_owned(), vec![format!("good ({bo})")]),
    ];
    assert_eq!(shown(&circle), expected);
    assert!(!circle.is_copied());
    // What others said is counted as it comes and goes.
    let said: Vec<OperationId> = ids_of_others(&circle, &owner.person);
    assert_eq!(circle.others().operations, said.len());
    circle.forget(&said[1..]);
    let left = circle.get(&said[0]).unwrap().as_bytes().len();
    assert_eq!(
        (circle.others().operations, circle.others().bytes),
        (1, left)
    );
}

#[test]
fn nothing_anybody_said_in_a_circle_is_printed() {
    let (owner, all) = story();
    let mut circle = owner.circle();
    for operation in &all {
        circle.insert(operation.clone()).unwrap();
    }
    let tells = |line: &str| {
        ["first", "good", "nonce", "7, 7"]
            .iter()
            .any(|it| line.contains(it))
    };
    // What is looked for would be found.
    assert!(tells(&format!("{:?}", shown(&circle))) && tells(&format!("{NONCE:?}")));
    for operation in &all {
        let line = format!(
            "{operation:?} {:?} {:?}",
            operation.fields(),
            operation.body()
        );
        assert!(!tells(&line), "{line}");
    }
    let line = format!("{circle:?} {:?} {:?}", circle.posts(), circle.id());
    assert!(!tells(&line), "{line}");
    assert!(format!("{:?}", all[0].body()).starts_with("Body(kind 1, [redacted])"));
}

fn ids_of_others(circle: &Circle, owner: &PersonId) -> Vec<OperationId> {
    let others = circle
        .operations()
        .filter(|it| matches!(it.body(), Body::Comment { comment } if comment.person() != *owner));
    others.map(Operation::id).collect()
}

proptest! {
    #[test]
    fn any_order_and_any_duplication_give_the_same(order in prop::collection::vec(0..7_usize, 0..30)) {
        let (owner, all) = story();
        let mut expected = owner.circle();
        for operation in &all {
            expected.insert(operation.clone()).unwrap();
        }
        let mut circle = owner.circle();
        let rest = (0..all.len()).rev();
        for at in order.into_iter().chain(rest) {
            circle.insert(all[at].clone()).unwrap();
        }
        prop_assert_eq!(shown(&circle), shown(&expected));
        let ids = |circle: &Circle| circle.operations().map(Operation::id).collect::<Vec<_>>();
        prop_assert_eq!(ids(&circle), ids(&expected));
    }

    #[test]
    fn numbers_come_in_any_order(order in Just((1..40_u64).collect::<Vec<_>>()).prop_shuffle(), lost in 1..39_u64) {
        let mut numbers = Numbers::default();
        for number in order {
            if number != lost {
                numbers.note(number);
                numbers.note(number);
            }
        }
        prop_assert_eq!(numbers.missing(39, 9), vec![lost]);
        let (up_to, beyond) = numbers.parts();
        prop_assert_eq!(Numbers::from_parts(up_to, beyond), numbers.clone());
        numbers.note(lost);
        prop_assert_eq!(numbers, Numbers::from_parts(39, []));
    }
}

/// More than there is room for.
fn many() -> &'static [Operation] {
    static MANY: OnceLock<Vec<Operation>> = OnceLock::new();
    MANY.get_or_init(|| {
        let (owner, mut all) = (Writer::new(1), Vec::new());
        for number in 0..360_usize {
            let length = 6_000 + (number * 7_919) % 2_000;
            owner.write(&mut all, post(&"x".repeat(length)));
        }
        all
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_oldest_make_room_in_any_order(order in Just((0..360_usize).collect::<Vec<_>>()).prop_shuffle()) {
        let owner = Writer::new(1);
        let (mut in_order, mut shuffled) = (owner.circle(), owner.circle());
        let mut known = BTreeSet::new();
        for (at, other) in order.into_iter().enumerate() {
            let _ = in_order.insert(many()[at].clone());
            let operation = many()[other].clone();
            let id = operation.id();
            if let Ok(Inserted::New(gone)) = shuffled.insert(operation) {
                known.insert(id);
                known.retain(|id| !gone.contains(id));
            }
        }
        let ids = |circle: &Circle| circle.operations().map(Operation::id).collect::<Vec<_>>();
        prop_assert!(ids(&in_order).len() < 360, "there was no room for all");
        prop_assert_eq!(ids(&in_order), ids(&shuffled));
        // Whoever keeps them elsewhere was told of each that went.
        prop_assert_eq!(known, ids(&shuffled).into_iter().collect());
        prop_assert!(in_order.bytes <= MAX_BYTES);
        for circle in [&in_order, &shuffled] {
            let bytes = circle.operations().map(|it| it.as_bytes().len());
            prop_assert_eq!(circle.bytes(), bytes.sum::<usize>());
        }
    }
}

#[test]
fn what_goes_with_one_that_is_too_old_itself_is_told() {
    let (owner, mut all) = (Writer::new(1), Vec::new());
    owner.write(&mut all, post("x"));
    owner.write(&mut all, post(&"x".repeat(8_000)));
    let mut circle = owner.circle();
    let first = all[0].clone();
    circle.insert(first.clone()).unwrap();
    loop {
        owner.write(&mut all, post(&"x".repeat(5_000)));
        let next = all.last().unwrap();
        if circle.bytes + next.as_bytes().len() > MAX_BYTES {
            break;
        }
        circle.insert(next.clone()).unwrap();
    }
    let late = all[1].clone();
    let gone = vec![first.id(), late.id()];
    assert_eq!(circle.insert(late), Ok(Inserted::New(gone)));
    assert_eq!(circle.insert(first), Err(Refused::TooOld));
}

#[test]
fn only_the_owner_writes() {
    let (owner, all) = story();
    let stranger = Writer::new(9);
    // In the stranger's own name it is another circle.
    let foreign = Operation::sign(stranger.fields(None, post("x")), &stranger.key).unwrap();
    assert_eq!(owner.circle().insert(foreign), Err(Refused::OtherCircle));
    // In the owner's name it is not a device of theirs.
    let forged = Operation::sign(owner.fields(None, post("x")), &stranger.key).unwrap();
    assert!(Operation::decode(forged.as_bytes()).is_ok(), "well signed");
    assert_eq!(owner.circle().insert(forged), Err(Refused::NotTheOwner));
    // And with the owner's device named it is not signed.
    let mut bytes = all[0].as_bytes().to_vec();
    bytes[3] ^= 1;
    assert_eq!(Operation::decode(&bytes), Err(OperationError::BadSignature));
}

#[test]
fn a_comment_is_its_authors_or_none() {
    let (owner, bo) = (Writer::new(1), Writer::new(3));
    let circle = owner.circle().id();
    let mut all = Vec::new();
    let on = owner.write(&mut all, post("first"));
    let good = bo.comment(circle, on, "yes");
    assert!(Comment::decode(good.as_bytes()).is_ok());
    // Other words under the same signature.
    let mut bytes = good.as_bytes().to_vec();
    let at = bytes.windows(3).position(|three| three == b"yes").unwrap();
    bytes[at..at + 3].copy_from_slice(b"noo");
    assert_eq!(Comment::decode(&bytes), Err(OperationError::BadSignature));
    // Bo's certificate, signed by another device.
    let forged = Comment::sign((circle, on), 1, "Bo", "no", &bo.certificate, &owner.key).unwrap();
    assert_eq!(
        Comment::decode(forged.as_bytes()),
        Err(OperationError::BadSignature)
    );
    // The owner cannot publish it either.
    let comment = Box::new(forged);
    let body = Body::Comment { comment };
    let published = Operation::sign(owner.fields(all.last(), body), &owner.key).unwrap();
    assert_eq!(
        Operation::decode(published.as_bytes()),
        Err(OperationError::BadSignature)
    );
    // Nor with a certificate that Bo's root did not sign: what is stored is read as it is, what comes is checked.
    let mut certificate = bo.certificate.encode();
    certificate[CERTIFICATE_BYTES - 1] ^= 1;
    let certificate = DeviceCertificate::decode_stored(&certificate).unwrap();
    let forged = Comment::sign((circle, on), 1, "Bo", "no", &certificate, &bo.key).unwrap();
    let bad = OperationError::BadCertificate;
    assert_eq!(
        Comment::decode_stored(forged.as_bytes()),
        Ok(forged.clone())
    );
    assert_eq!(Comment::decode(forged.as_bytes()), Err(bad));
    let comment = Box::new(forged);
    let body = Body::Comment { comment };
    let published = Operation::sign(owner.fields(all.last(), body), &owner.key).unwrap();
    let bytes = published.as_bytes();
    assert_eq!(Operation::decode_stored(bytes).as_ref(), Ok(&published));
    assert_eq!(Operation::decode(bytes), Err(bad));
    // Nor what was said elsewhere.
    let elsewhere = bo.comment(CircleId([9; 32]), on, "yes");
    let body = Body::Comment { comment: elsewhere };
    assert_eq!(
        Operation::sign(owner.fields(all.last(), body), &owner.key),
        Err(OperationError::BadField(7))
    );
}

#[test]
fn limits_hold_when_made_and_when_read() {
    let owner = Writer::new(1);
    let most = "x".repeat(MAX_POST_BYTES);
    assert!(Operation::sign(owner.fields(None, post(&most)), &owner.key).is_ok());
    for text in [String::new(), "x".repeat(MAX_POST_BYTES + 1)] {
        let refused = Operation::sign(owner.fields(None, post(&text)), &owner.key);
        assert_eq!(refused, Err(OperationError::TextTooLong(text.len())));
    }
    let unknown = Body::Unknown { kind: 77 };
    assert_eq!(
        Operation::sign(owner.fields(None, unknown), &owner.key),
        Err(OperationError::UnknownKind(77))
    );
    let circle = owner.circle().id();
    let sign = |name: &str, text: &str| {
        let on = (circle, OperationId([1; 32]));
        Comment::sign(on, 1, name, text, &owner.certificate, &owner.key).map(|_| ())
    };
    let most = "x".repeat(MAX_COMMENT_TEXT_BYTES);
    assert_eq!(sign("B", &most), Ok(()));
    assert_eq!(sign("B", ""), Err(OperationError::TextTooLong(0)));
    assert_eq!(
        sign("B", &format!("{most}x")),
        Err(OperationError::TextTooLong(MAX_COMMENT_TEXT_BYTES + 1))
    );
    assert_eq!(sign("", "x"), Err(OperationError::BadName));
    assert_eq!(sign("a\nb", "x"), Err(OperationError::BadName));
    let long = vec![0; MAX_CIRCLE_OPERATION_BYTES + 1];
    assert_eq!(
        Operation::decode(&long),
        Err(OperationError::TooLong(long.len()))
    );
}

#[test]
fn a_copied_device_shows_and_what_expired_goes() {
    let (owner, all) = story();
    let mut circle = owner.circle();
    for operation in &all {
        circle.insert(operation.clone()).unwrap();
    }
    assert!(circle.expire(20_870, 9).is_empty());
    let mut fields = owner.fields(all.last(), post("later"));
    fields.sequence = 2;
    fields.expiry_day = 20_900;
    let other = Operation::sign(fields, &owner.key).unwrap();
    circle.insert(other).unwrap();
    assert!(circle.is_copied());
    assert_eq!(
        circle.expire(20_871, 2).len(),
        2,
        "as many as are asked for"
    );
    assert_eq!(circle.expire(20_871, 99).len(), all.len() - 2);
    assert_eq!(shown(&circle), [("later".to_owned(), vec![])]);
}

#[test]
fn a_gap_without_end_is_given_up() {
    let mut numbers = Numbers::default();
    numbers.note(5);
    assert_eq!(numbers.missing(5, 2), [1, 2]);
    assert_eq!(numbers.missing(7, 9), [1, 2, 3, 4, 6, 7]);
    numbers.cover(1, 3);
    assert_eq!(numbers.missing(5, 9), [1, 4]);
    numbers.cover(0, 4);
    assert!(numbers.missing(5, 9).is_empty());
    for number in (10..).step_by(2).take(MAX_AHEAD + 5) {
        numbers.note(number);
    }
    assert!(numbers.parts().1.count() <= MAX_AHEAD);
    numbers.cover(0, u64::MAX);
    assert!(numbers.missing(u64::MAX, 9).is_empty());
    numbers.note(u64::MAX);
    assert_eq!(numbers.parts().1.count(), 0);
}
