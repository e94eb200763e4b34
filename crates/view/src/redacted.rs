//! `Debug` of what holds texts, names and persons: what may be printed, and nothing else.
//!
//! Whatever is logged, by whichever crate, must say neither who writes to whom nor what.

use core::fmt;

use crate::{
    Answer, CircleComment, CircleDetail, CirclePost, CircleView, CollectiveView, Command,
    ComradeView, Event, IntroductionView, InvitePreview, MessageView, PageView, ProfileView,
};

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::CutKeys { .. } => "CutKeys",
            Self::SealVault { .. } => "SealVault",
            Self::Unlock { .. } => "Unlock",
            Self::Lock => "Lock",
            Self::ChangePassphrase { .. } => "ChangePassphrase",
            Self::TakeLead => "TakeLead",
            Self::UseRelay { .. } => "UseRelay",
            Self::TryRelay { .. } => "TryRelay",
            Self::AddRelay { .. } => "AddRelay",
            Self::MakeFirst { .. } => "MakeFirst",
            Self::LeaveRelay { .. } => "LeaveRelay",
            Self::Reconnect => "Reconnect",
            Self::Introduce { .. } => "Introduce",
            Self::AnswerIntroduction { .. } => "AnswerIntroduction",
            Self::EndIntroduction { .. } => "EndIntroduction",
            Self::MakeInvite { .. } => "MakeInvite",
            Self::RevokeInvite { .. } => "RevokeInvite",
            Self::ReadInvite { .. } => "ReadInvite",
            Self::AcceptInvite { .. } => "AcceptInvite",
            Self::Confirm { .. } => "Confirm",
            Self::Decline { .. } => "Decline",
            Self::MarkVerified { .. } => "MarkVerified",
            Self::OpenPage { .. } => "OpenPage",
            Self::SendMessage { .. } => "SendMessage",
            Self::MarkRead { .. } => "MarkRead",
            Self::SetAckPace(_) => "SetAckPace",
            Self::SetName { .. } => "SetName",
            Self::RemoveComrade { .. } => "RemoveComrade",
            Self::DeleteConversation { .. } => "DeleteConversation",
            Self::SetLive { .. } => "SetLive",
            Self::SetReplicaLimit(_) => "SetReplicaLimit",
            Self::SetDataLimit(_) => "SetDataLimit",
            Self::Move { .. } => "Move",
            Self::NextPart => "NextPart",
            Self::EraseMoved => "EraseMoved",
            Self::Bring { .. } => "Bring",
            Self::BringBytes(_) => "BringBytes",
            Self::Collective(_) => "Collective",
            Self::Circle(_) => "Circle",
        })
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("Done"),
            Self::Keys { .. } => f.write_str("Keys"),
            Self::Invite { .. } => f.write_str("Invite"),
            Self::Preview(preview) => f.debug_tuple("Preview").field(preview).finish(),
            Self::Comrade(comrade) => f.debug_tuple("Comrade").field(comrade).finish(),
            Self::Page(page) => f.debug_tuple("Page").field(page).finish(),
            Self::Sent(message) => f.debug_tuple("Sent").field(message).finish(),
            Self::Part { is_last, .. } => f.debug_tuple("Part").field(is_last).finish(),
            Self::Want { .. } => f.write_str("Want"),
            Self::Collective(_) => f.write_str("Collective"),
            Self::CollectiveDetail(_) => f.write_str("CollectiveDetail"),
            Self::Posts(_) => f.write_str("Posts"),
            Self::Posted(_) => f.write_str("Posted"),
            Self::Proposed(_) => f.write_str("Proposed"),
            Self::Constitution(_) => f.write_str("Constitution"),
            Self::Circle(_) => f.write_str("Circle"),
            Self::CircleDetail(_) => f.write_str("CircleDetail"),
            Self::Faults(faults) => f.debug_tuple("Faults").field(faults).finish(),
        }
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Vault(state) => f.debug_tuple("Vault").field(state).finish(),
            Self::Profile(_) => f.write_str("Profile"),
            Self::Comrades(comrades) => f.debug_tuple("Comrades").field(&comrades.len()).finish(),
            Self::Invites(invites) => f.debug_tuple("Invites").field(&invites.len()).finish(),
            Self::Message { message, .. } => f.debug_tuple("Message").field(message).finish(),
            Self::Introductions(all) => f.debug_tuple("Introductions").field(&all.len()).finish(),
            Self::Collectives(all) => f.debug_tuple("Collectives").field(&all.len()).finish(),
            Self::Circles(all) => f.debug_tuple("Circles").field(&all.len()).finish(),
            Self::Route(_) => f.write_str("Route"),
        }
    }
}

impl fmt::Debug for MessageView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MessageView")
            .field("ordinal", &self.ordinal)
            .field("mine", &self.mine)
            .field("tick", &self.tick)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ComradeView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComradeView")
            .field("state", &self.state)
            .field("unread", &self.unread)
            .field("waiting", &self.waiting)
            .field("gap", &self.gap)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CollectiveView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CollectiveView")
            .field("members", &self.members)
            .field("unread", &self.unread)
            .field("waiting", &self.waiting)
            .field("gap", &self.gap)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for IntroductionView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntroductionView").finish_non_exhaustive()
    }
}

impl fmt::Debug for CircleView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircleView")
            .field("readers", &self.readers)
            .field("unread", &self.unread)
            .field("missing", &self.missing)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CirclePost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CirclePost")
            .field("had", &self.had)
            .field("of", &self.of)
            .field("comments", &self.comments.len())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CircleComment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircleComment")
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for CircleDetail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircleDetail")
            .field("posts", &self.posts.len())
            .field("older", &self.older)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PageView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PageView")
            .field("messages", &self.messages)
            .field("older", &self.older)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ProfileView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProfileView").finish_non_exhaustive()
    }
}

impl fmt::Debug for InvitePreview {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InvitePreview").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::{AckPace, ComradeId, ComradeState, FromEngine, Secret, Tick, ToEngine};

    const PRIVATE: &str = "nobody may read this";

    fn text() -> String {
        PRIVATE.to_owned()
    }

    #[test]
    fn neither_texts_nor_names_nor_persons_are_printed() {
        let comrade = ComradeId([171; 16]);
        let message = MessageView {
            ordinal: 7,
            mine: true,
            text: text(),
            written_at: 1,
            kept_at: 2,
            tick: Tick::Kept,
        };
        let view = ComradeView {
            id: comrade,
            name: text(),
            person: text(),
            code: text(),
            live: false,
            verified: false,
            state: ComradeState::Met,
            last: Some(message.clone()),
            unread: 0,
            read_up_to: 0,
            waiting: 0,
            gap: None,
            lost: 0,
            is_full: false,
            is_copied: false,
            active_at: 0,
        };
        let profile = ProfileView {
            name: text(),
            person: text(),
            code: text(),
            ack_pace: AckPace::Calm,
        };
        let page = PageView {
            comrade,
            messages: vec![message.clone()],
            older: false,
        };
        let preview = InvitePreview {
            expires_at: 0,
            relay: Some(text()),
            for_collective: false,
        };
        let commands = [
            Command::CutKeys { name: text() },
            Command::SetName { name: text() },
            Command::Unlock {
                passphrase: Secret::new(PRIVATE),
            },
            Command::UseRelay {
                link: Secret::new(PRIVATE),
            },
            Command::SendMessage {
                comrade,
                text: text(),
            },
        ];
        let answers = [
            Answer::Sent(message.clone()),
            Answer::Page(page),
            Answer::Preview(preview),
            Answer::Keys {
                words: Secret::new(PRIVATE),
                passphrase: Secret::new(PRIVATE),
            },
        ];
        let events = [
            Event::Profile(profile.clone()),
            Event::Comrades(vec![view.clone()]),
            Event::Message {
                comrade,
                message: message.clone(),
            },
        ];
        let mut printed = vec![
            format!("{message:?}"),
            format!("{view:?}"),
            format!("{profile:?}"),
        ];
        printed.extend(
            commands
                .into_iter()
                .map(|command| format!("{:?}", ToEngine { id: 1, command })),
        );
        printed.extend(answers.into_iter().map(|answer| {
            let done = FromEngine::Done {
                id: 1,
                result: Ok(answer),
            };
            format!("{done:?}")
        }));
        printed.extend(
            events
                .into_iter()
                .map(|event| format!("{:?}", FromEngine::Event(event))),
        );
        for line in printed {
            assert!(!line.contains(PRIVATE), "{line}");
        }
    }
}
