//! Every domain-separation label, in one table.
//!
//! No two purposes share one, so that a key or signature made for one thing is worthless for
//! another. A label is followed by a zero byte wherever data follows it (except [`PERSON_ID`],
//! whose definition is older than the rule and whose input has one length). Labels never change; a
//! new meaning is a new label.

macro_rules! labels {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)+) => {
        $($(#[$doc])* pub const $name: &str = $text;)+

        /// All of them.
        pub const ALL: &[&str] = &[$($name),+];
    };
}

labels! {
    /// Person id: SHA-256 of this and the root key.
    PERSON_ID = "komrade/id/v1";
    /// Recovery entropy → root key seed.
    ROOT_KEY = "komrade/root/v1";
    /// What two persons compare.
    PAIR_CODE = "komrade/pair-code/v1";
    /// Signature of a root over a device certificate.
    DEVICE_CERTIFICATE = "komrade/device/v1";
    /// Signature of a root over the revocation of a device.
    DEVICE_REVOCATION = "komrade/revocation/v1";
    /// Signature of a device over its prekey bundle.
    BUNDLE = "komrade/bundle/v1";
    /// Hash of a prekey bundle.
    BUNDLE_HASH = "komrade/bundle-hash/v1";
    /// Invite secret → outer key of the envelope that holds the bundle.
    INVITE_BUNDLE = "komrade/invite/bundle/v1";
    /// Invite secret → where that envelope is found.
    INVITE_LOCATOR = "komrade/invite/locator/v1";
    /// Invite secret → PSK of the intro.
    INVITE_INTRO = "komrade/invite/intro/v1";
    /// Invite secret → hints of intros made with it.
    INVITE_HINT = "komrade/invite/hint/v1";
    /// Invite secret → root of the PSKs of live links.
    INVITE_LINK = "komrade/invite/link/v1";
    /// Invite secret → hints of live links.
    INVITE_LINK_HINT = "komrade/invite/link-hint/v1";
    /// Check bytes of an invite's text.
    INVITE_CHECK = "komrade/invite/check/v1";
    /// HPKE info of an intro.
    INTRO = "komrade/intro/v1";
    /// HPKE PSK id of an intro made with a shared key.
    INTRO_PSK = "komrade/intro/psk/v1";
    /// Contact secret → reunion key of two persons.
    REUNION = "komrade/reunion/v1";
    /// Contact secret → first outer key of one direction.
    OUTER_FIRST = "komrade/outer/first/v1";
    /// Contact secret → what the pairwise session must repeat.
    CONTACT_BINDING = "komrade/contact/binding/v1";
    /// Contact secret → which of two concurrent first contacts is the lower one.
    CONTACT_RANK = "komrade/contact/rank/v1";
    /// Reunion key → root of the PSKs of live links.
    REUNION_LINK = "komrade/reunion/link/v1";
    /// Reunion key → hints of live links.
    REUNION_LINK_HINT = "komrade/reunion/link-hint/v1";
    /// Reunion key → PSK of an intro from a new device.
    REUNION_INTRO = "komrade/reunion/intro/v1";
    /// Reunion key → hints of such intros.
    REUNION_HINT = "komrade/reunion/hint/v1";
    /// Root of a link, with the address that is called → PSK.
    LINK_PSK = "komrade/link/psk/v1";
    /// What a hint of a link marks: the address that is called, and a nonce.
    LINK_CALLEE = "komrade/link/callee/v1";
    /// Outer key → seal key.
    OUTER_SEAL = "komrade/outer/seal/v1";
    /// Outer key → detection key.
    OUTER_DETECT = "komrade/outer/detect/v1";
    /// HPKE info of the weekly change.
    OUTER_CHANGE = "komrade/outer/change/v1";
    /// Outer key → PSK of the weekly change.
    OUTER_CHANGE_PSK = "komrade/outer/change/psk/v1";
    /// HPKE export of the weekly change: the next outer key.
    OUTER_NEXT = "komrade/outer/next/v1";
    /// Signature of a device over its leaf record.
    GROUP_LEAF = "komrade/group/leaf/v1";
    /// Leaf key → the mark of its slices.
    GROUP_MARK = "komrade/group/mark/v1";
    /// Hash of the devices that a seed is for.
    GROUP_MEMBERS = "komrade/group/members/v1";
    /// Seed → its commitment.
    GROUP_COMMIT = "komrade/group/commit/v1";
    /// HPKE info of a slice.
    GROUP_SLICE = "komrade/group/slice/v1";
    /// HPKE info of an archive pack.
    GROUP_ARCHIVE = "komrade/group/archive/v1";
    /// Seed → outer key of its envelopes.
    GROUP_OUTER = "komrade/group/outer/v1";
    /// Seed → control key.
    GROUP_CONTROL = "komrade/group/control/v1";
    /// Control key, with a salt → key of one control message.
    GROUP_CONTROL_MESSAGE = "komrade/group/control-message/v1";
    /// Seed, with a device → the beginning of that device's content ratchet.
    GROUP_CHAIN = "komrade/group/chain/v1";
    /// Place of a content ratchet → the next place.
    GROUP_CHAIN_NEXT = "komrade/group/chain-next/v1";
    /// Place of a content ratchet → what the keys of its messages grow from.
    GROUP_PLACE = "komrade/group/place/v1";
    /// That, with a salt → key of one message.
    GROUP_CONTENT = "komrade/group/content/v1";
    /// Signature of a device over a *Missing* of its own.
    GROUP_QUESTION = "komrade/group/question/v1";
    /// Who answers a *Missing* first.
    GROUP_ANSWER = "komrade/group/answer/v1";
    /// Stretched passphrase → key of a slot.
    VAULT_SLOT = "komrade/vault/slot/v1";
    /// Master key → key of the ring.
    VAULT_RING = "komrade/vault/ring/v1";
    /// Record key → key of a table.
    VAULT_TABLE = "komrade/vault/table/v1";
    /// Associated data of a record.
    VAULT_RECORD = "komrade/vault/record/v1";
    /// Master key, with the prelude of a file → key of its parts.
    VAULT_MOVE = "komrade/vault/move/v1";
    /// Check bytes of such a prelude.
    VAULT_MOVE_CHECK = "komrade/vault/move-check/v1";
    /// Signature of a device over an operation of a collective.
    COLLECTIVE_OPERATION = "komrade/collective/operation/v1";
    /// Id of an operation of a collective: hash of its signed bytes.
    COLLECTIVE_OPERATION_ID = "komrade/collective/operation-id/v1";
    /// Id of a checkpoint: hash of the one before and of its frontier.
    COLLECTIVE_CHECKPOINT = "komrade/collective/checkpoint/v1";
    /// Hash of who is a member, with which devices, under which constitution.
    COLLECTIVE_STATE = "komrade/collective/state/v1";
    /// Id of a circle: hash of its owner and of what the owner drew.
    CIRCLE_ID = "komrade/circle/id/v1";
    /// Signature of a device over an operation of its person's circle.
    CIRCLE_OPERATION = "komrade/circle/operation/v1";
    /// Id of an operation of a circle: hash of its signed bytes.
    CIRCLE_OPERATION_ID = "komrade/circle/operation-id/v1";
    /// Signature of a device over a comment in somebody's circle.
    CIRCLE_COMMENT = "komrade/circle/comment/v1";
    /// Id of such a comment: hash of its signed bytes.
    CIRCLE_COMMENT_ID = "komrade/circle/comment-id/v1";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_label_is_used_twice_or_is_the_beginning_of_another() {
        for (i, one) in ALL.iter().enumerate() {
            for (j, other) in ALL.iter().enumerate() {
                assert!(i == j || !one.starts_with(other), "{one} and {other}");
            }
        }
    }
}
